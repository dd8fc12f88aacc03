/* Initialisers (C11 6.7.9), strings, compound literals, globals, addresses in globals. */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;

/* ---- globals ---- */
static int uninitialised;
int external_global = 5;
static int initialised = 1 + 2 * 3;
static const int constant = 77;
static const int table[4] = { 10, 20, 30, 40 };
static const unsigned char bytes[8] = { 1, 2, 3, [6] = 7 };
static long longs[3] = { -1, 0x123456789abcdef0 };
static const char text[] = "hello";
static const char fixed[8] = "hi";
static const struct { char c; int i; const char name[4]; } records[2] = { { 1, 2, "ab" }, { .i = 4, .name = "cd" } };
static int matrix[2][3] = { { 1, 2 }, { [2] = 6 } };
static _Bool flag = 5;
static unsigned short big_short = 70000;
static enum { FIRST, SECOND } choice = SECOND;

CASE(global_zero, 0) { return uninitialised; }
CASE(global_external, 5) { return external_global; }
CASE(global_value, 7) { return initialised; }
CASE(global_written, 9) { uninitialised = 4; uninitialised += external_global; return uninitialised; }
CASE(global_const, 77) { return constant; }
CASE(global_table, 40) { return table[(one + two) & 3]; }
CASE(global_bytes, 7) { return bytes[6] + bytes[5]; }
CASE(global_long, 1) { return longs[0] == -1 && longs[1] == 0x123456789abcdef0 && !longs[2]; }
CASE(global_text, 108) { return text[two & 3]; }
CASE(global_text_size, 6) { return sizeof(text); }
CASE(global_fixed_text, 105) { return fixed[1] + fixed[5]; }
CASE(global_records, 107) { return records[one & 1].i + records[0].i + 1 + records[1].name[1]; }
CASE(global_matrix, 6) { return matrix[one & 1][two & 1 | 2]; }
CASE(global_bool, 1) { return flag; }
CASE(global_truncates, 4464) { return big_short; }
CASE(global_enum, 1) { return choice; }

/* ---- locals ---- */
CASE(local_zeroes_rest, 1) { int a[4] = { 1 }; return a[0] + a[1] + a[2] + a[3]; }
CASE(local_empty_braces, 0) { struct { int a; long b; } s = {}; return s.a + s.b; }
CASE(local_scalar_braces, 3) { int x = { 3 }; return x; }
CASE(local_designated, 53) { struct { int a, b, c; } s = { .c = 5, .a = 3 }; return s.c * 10 + s.a + s.b; }
CASE(local_designated_then_positional, 7) { struct { int a, b, c; } s = { .b = 3, 4 }; return s.b + s.c + s.a; }
CASE(local_index_designators, 42) { int a[8] = { [5] = 40, [2] = 1, 1 }; return a[5] + a[2] + a[3]; }
CASE(local_range, 22) { int a[8] = { [2 ... 5] = 5, [7] = 2 }; int s = 0; for (int i = 0; i < 8; i++) s += a[i]; return s; }
CASE(local_range_variable, 28) { int v = seven, a[4] = { [0 ... 3] = v }; return a[0] + a[1] + a[2] + a[3]; }
CASE(local_later_wins, 9) { int a[2] = { 1, [0] = 9 }; return a[0] + a[1]; }
CASE(local_nested_designators, 6) { struct { struct { int x, y[3]; } p; } s = { .p.y[1] = 6 }; return s.p.y[1] + s.p.x; }
CASE(local_brace_elision, 321) { int a[2][2] = { 1, 2, 3 }; return a[0][0] + a[0][1] * 10 + a[1][0] * 100 + a[1][1]; }
CASE(local_elided_struct, 12) { struct { struct { int a, b; } p; int c; } s = { 3, 4, 5 }; return s.p.a + s.p.b + s.c; }
CASE(local_struct_value, 7) { struct p { int a, b; } x = { 3, 4 }, y = x; return y.a + y.b; }
CASE(local_struct_in_struct, 7) { struct p { int a, b; } x = { 3, 4 }; struct { struct p q; int z; } s = { x, 1 }; return s.q.a + s.q.b; }
CASE(local_order_of_effects, 12) { int i = 0; int a[3] = { ++i, ++i, ++i }; return a[0] + a[1] * 1 + a[2] * 3; }
CASE(local_text, 99) { char s[] = "abc"; return s[two & 3]; }
CASE(local_text_exact, 3) { char s[3] = "abc"; return sizeof(s); }
CASE(local_text_padding, 0) { char s[10] = "abc"; return s[3] + s[9]; }
CASE(local_text_braces, 98) { char s[] = { "ab" }; return s[1]; }
CASE(local_text_list, 121) { char s[2] = { 'x', 'y' }; return s[1]; }
CASE(local_unsized, 5) { int a[] = { 1, 2, 3, [4] = 5 }; return sizeof(a) / sizeof(a[0]); }
CASE(local_union, 6) { union { int a; char c[4]; } u = { .c = { 6 } }; return u.a; }
CASE(local_self_reference, 1) { struct s { struct s *me; } x = { &x }; return x.me == &x; }
CASE(local_in_loop, 30) { int s = 0; for (int i = 0; i < 3; i++) { int a[2] = { i }; a[1] += 9; s += a[0] + a[1]; } return s; }
CASE(static_local_array, 6) { static int a[3] = { 1, 2, 3 }; int s = 0; for (int i = 0; i < 3; i++) s += a[i]; return s; }
CASE(static_local_const, 4) { static const int a[3] = { 1, 4, 3 }; return a[one & 1]; }

/* ---- strings and characters ---- */
CASE(string_index, 101) { return "hello"[one & 1]; }
CASE(string_joined, 6) { return sizeof("ab" "cde"); }
CASE(string_escapes, 1) { const char *s = "\n\t\\\"\x41\101\0z"; return s[0] == 10 && s[1] == 9 && s[2] == '\\' && s[4] == 'A' && s[5] == 'A' && s[7] == 'z'; }
CASE(string_utf8, 3) { return sizeof("é"); }
CASE(string_u8, 3) { return sizeof(u8"é"); }
CASE(string_wide, 12) { return sizeof(L"ab"); }
CASE(string_char16, 6) { return sizeof(u"ab"); }
CASE(string_char32, 12) { return sizeof(U"ab"); }
CASE(string_wide_value, 233) { int w[] = L"xé"; return w[one & 1]; }
CASE(string_char16_value, 8364) { unsigned short w[4] = u"x€"; return w[1] + w[3]; }
CASE(string_char32_pointer, 128512) { const unsigned *w = U"x😀"; return w[1]; }
CASE(string_multiline, 8) { return sizeof("abc\
defg"); }
CASE(char_constants, 1) { return 'a' == 97 && '\377' == -1 && '\x7f' == 127 && 'ab' == 24930; }
CASE(char_wide, 233) { return L'é'; }
CASE(function_name, 102) { return __func__[0] ? 102 : 0; }

/* ---- compound literals ---- */
struct pair { int a, b; };
static int pair_sum(const struct pair *p) { return p->a + p->b; }
CASE(compound_struct, 9) { return ((struct pair){ 4, 5 }).b + (struct pair){ .a = 4 }.a; }
CASE(compound_address, 9) { return pair_sum(&(struct pair){ seven, two }); }
CASE(compound_array, 20) { return (int[]){ 10, 20, 30 }[one & 1]; }
CASE(compound_assign, 3) { struct pair p; p = (struct pair){ 1, 2 }; return p.a + p.b; }
CASE(compound_scalar, 8) { int *p = &(int){ seven }; ++*p; return *p; }
CASE(compound_string, 98) { return ((char[]){ "abc" })[1]; }

/* ---- addresses in globals ---- */
static int target = 11, array[4] = { 1, 2, 3, 4 };
static int *const to_target = &target;
static int *plain_pointer = &target;
static int *const to_element = &array[2];
static int *const to_sum = array + 3;
static const char *const names[] = { "zero", "one", "two" };
static const char *mutable_names[2] = { "first", "second" };
static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
static int (*const operation)(int, int) = add;
static const struct ops { int (*f)(int, int); int k; const char *name; } ops[2] = { { add, 1, "add" }, { sub, 2, "sub" } };
static struct node { struct node *next; int v; } last = { 0, 3 }, middle = { &last, 2 };
static const struct pair pairs[2] = { { 1, 2 }, { 3, 4 } };
static const struct pair *const second_pair = &pairs[1];
CASE(address_scalar, 11) { return *to_target; }
CASE(address_not_const, 11) { return *plain_pointer; }
CASE(address_write_through, 12) { *to_target = 12; return target; }
CASE(address_element, 3) { return *to_element; }
CASE(address_sum, 4) { return to_sum[0]; }
CASE(address_names, 119) { return names[2][1]; }
CASE(address_names_mutable, 115) { return mutable_names[1][0]; }
CASE(address_names_loop, 334) { int s = 0; for (int i = 0; i < 3; i++) s += i == 0 ? names[0][0] : i == 1 ? names[1][0] : names[2][0] ; return s - 15; }
CASE(address_function, 9) { return operation(seven, two); }
CASE(address_ops, 5) { return ops[1].f(seven, two); }
CASE(address_ops_mixed, 113) { return ops[0].f(ops[1].k, ops[0].k) + ops[1].name[0] - 5; }
CASE(address_list, 3) { return middle.next->v; }
CASE(address_struct, 7) { return second_pair->a + second_pair->b; }
CASE(address_static_local, 4) { static const char *const words[] = { "a", "bcd" }; return sizeof(words) / 8 + (words[1][2] == 'd') * 2; }
