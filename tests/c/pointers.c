/* Pointers and arrays: C11 6.5.2.1, 6.5.3.2, 6.5.6, 6.5.8, 6.3.2.3. */
#define NULL ((void *)0)
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;
static int g = 5, ga[6] = { 10, 11, 12, 13, 14, 15 }, gm[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
struct s { char c; int i; short h[3]; struct { long l; } in; };
static struct s gs = { 1, 2, { 3, 4, 5 }, { 6 } };

CASE(deref, 7) { int x = seven, *p = &x; return *p; }
CASE(write_through, 7) { int x = 1, *p = &x; *p = seven; return x; }
CASE(pointer_to_pointer, 7) { int x = 3, *p = &x, **q = &p; **q += 4; return x; }
CASE(pointer_swap, 21) { int a = 1, b = 2, *p = &a, *q = &b, *t = p; p = q; q = t; return *p * 10 + *q; }
CASE(pointer_global, 7) { int *p = &g; *p += 2; return g; }
CASE(index_is_sum, 39) { return ga[2] + *(ga + 3) + 4[ga]; }
CASE(pointer_increment, 25) { int *p = ga; p++; ++p; return *p++ + *p; }
CASE(pointer_decrement, 13) { int *p = ga + 5; p--; return *--p; }
CASE(pointer_plus_variable, 12) { int *p = ga + (two & 3); return *p; }
CASE(pointer_difference, 3) { int *p = &ga[1], *q = &ga[4]; return q - p; }
CASE(pointer_difference_struct, 2) { struct s a[3]; return &a[2] - &a[0]; }
CASE(pointer_difference_bytes, 24) { struct s a[2]; return (char *)&a[1] - (char *)&a[0]; }
CASE(pointer_compare, 15) { int a[4]; return (&a[1] < &a[2]) + (&a[1] == a + 1) * 2 + (&a[3] >= &a[3]) * 4 + (a != &a[1]) * 8; }
CASE(pointer_null, 7) { int *p = NULL, x; return !p + (p == 0) * 2 + (&x != 0) * 4; }
CASE(pointer_condition, 4) { int x = 4, *p = one ? &x : NULL; if (p) return *p; return 0; }
CASE(pointer_cast_bytes, 401) { unsigned x = 0x01020304; unsigned char *p = (unsigned char *)&x; return p[0] * 100 + p[3]; }
CASE(pointer_cast_wider, 67305985) { unsigned char b[4] __attribute__((aligned(4))) = { 1, 2, 3, 4 }; return *(unsigned *)b; }
CASE(pointer_void, 6) { int x = 6; void *v = &x; int *p = v; return *p; }
CASE(pointer_void_arithmetic, 9) { int a[2] = { 1, 9 }; void *v = a; return *(int *)(v + 4); }
CASE(pointer_to_array, 19) { int (*p)[3] = gm; return p[1][2] + (*p)[0] + sizeof(*p); }
CASE(pointer_to_row, 10) { int *row = gm[1]; return row[0] + row[2]; }
CASE(array_of_pointers, 12) { int a = 1, b = 2, *t[2] = { &a, &b }; return *t[0] * 10 + *t[1]; }
CASE(array_two_dimensions, 35) { int m[3][4] = {}; for (int i = 0; i < 3; i++) for (int j = 0; j < 4; j++) m[i][j] = i * 10 + j; return m[2][3] + m[one & 1][two & 3]; }
CASE(array_three_dimensions, 49) { char c[2][3][4] = {}; c[1][2][3] = 9; return c[one & 1][two & 2][3] + sizeof(c) + sizeof(c[0]) + sizeof(c[0][0]); }
CASE(array_size, 7) { int a[7]; return sizeof(a) / sizeof(a[0]); }
CASE(array_negative_index, 11) { int *p = ga + 3; return p[-2]; }
CASE(array_address, 1) { int a[4]; return (void *)&a == (void *)a; }
CASE(array_as_condition, 3) { int a[1]; return a ? 3 : 4; }
CASE(array_variable_index, 3819) { int s = 0; for (int i = 0; i < 6; i++) s = s * 3 + ga[i]; return s; }
CASE(array_write_index, 53) { int a[8] = {}; for (int i = 0; i < 8; i++) a[i] = i * i; return a[seven & 7] + a[two & 7]; }
CASE(array_of_structs, 24) { struct s a[3] = {}; for (int i = 0; i < 3; i++) { a[i].i = i; a[i].h[1] = i * 2; } return a[2].i * 10 + a[2].h[1]; }
CASE(member_arrow, 13) { struct s *p = &gs; return p->i + p->h[2] + p->in.l; }
CASE(member_dot, 4) { return gs.c + gs.h[0]; }
CASE(member_deref_dot, 2) { struct s *p = &gs; return (*p).i; }
CASE(member_address, 6) { int *p = &gs.i; short *h = gs.h; return *p + h[1]; }
CASE(member_address_of_nested, 6) { long *p = &(&gs)->in.l; return *p; }
CASE(member_of_copy, 52) { struct s t = gs; t.i = 50; return t.i + gs.i; }
CASE(container_of, 8) { struct s x = { .i = 8 }; short *h = x.h; struct s *p = (struct s *)((char *)h - __builtin_offsetof(struct s, h)); return p->i; }
CASE(increment_through, 7) { int x = 5, *p = &x; (*p)++; ++*p; return x; }
CASE(postfix_deref, 12) { int a[3] = { 1, 2, 3 }, *p = a; int r = *p++ * 10; return r + *p; }
CASE(assign_op_through, 16) { int a[3] = { 1, 2, 3 }, *p = a; *(p + 1) *= 5; p[2] <<= 1; return a[1] + a[2]; }
CASE(pointer_assign_add, 12) { int *p = ga; p += 3; p -= 1; return *p; }
CASE(pointer_in_struct, 10) { int x = 9; struct { int *p; } t = { &x }; *t.p += 1; return x; }
CASE(pointer_aliases, 5) { int x = 1, *p = &x, *q = &x; *p = 2; *q += 3; return *p; }
CASE(const_pointer, 9) { const int x = 3; int y = 4; const int *p = &x; int *const q = &y; p = &y; *q = 6; return *p + x; }
CASE(restrict_pointer, 3) { int x = 3; int *restrict p = &x; return *p; }
CASE(volatile_reads, 6) { volatile int v = 3; return v + v; }
CASE(volatile_writes, 9) { volatile int v = 3; v = 4; v += 5; return v; }
CASE(volatile_pointer, 8) { int x = 1; volatile int *p = &x; *p = 8; return x; }
CASE(string_copy_loop, 246) { char a[8] = "xyz", b[8]; int i = 0; do b[i] = a[i]; while (i < 7 && a[i++]); return b[0] + b[2] + i; }
CASE(matrix_multiply, 19050) { int a[2][2] = { { 1, 2 }, { 3, 4 } }, b[2][2] = { { 5, 6 }, { 7, 8 } }, c[2][2] = {}; for (int i = 0; i < 2; i++) for (int j = 0; j < 2; j++) for (int k = 0; k < 2; k++) c[i][j] += a[i][k] * b[k][j]; return c[0][0] * 1000 + c[1][1]; }
CASE(pointer_as_integer, 1) { int x; unsigned long a = (unsigned long)&x, b = (unsigned long)&x; return a == b; }
CASE(typedef_types, 4) { typedef int row[3]; typedef row *rows; rows r = gm; return r[1][0]; }
CASE(complex_declarator, 32) { int (*(*pp)[2])(void) = 0; char *(*f)(int, char (*)[3]) = 0; return sizeof(pp) + sizeof(f) + sizeof(*pp); }
CASE(extern_in_block, 21) { extern int zz_defined_later; return zz_defined_later; }
int zz_defined_later = 21;
