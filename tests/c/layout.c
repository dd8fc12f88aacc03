/* Layout: structs, unions, bit-fields, packed and aligned members, enums (C11 6.7.2). */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;

struct plain { char c; int i; short s; long l; };
struct packed { char c; int i; short s; long l; } __attribute__((packed));
struct member_packed { char c; int i __attribute__((packed)); short s; };
struct member_aligned { char c; char d __attribute__((aligned(8))); int i; };
struct in_packed { char c; int i __attribute__((aligned(4))); long l; } __attribute__((packed));
struct whole_aligned { char c; } __attribute__((aligned(16)));
#pragma pack(push, 2)
struct pack2 { char c; int i; long l; char d; };
#pragma pack(pop)
#pragma pack(1)
struct pack1 { char c; int i; };
#pragma pack()
struct after { char c; int i; };
struct alignas_member { char c; _Alignas(16) int i; };
union mixed { char c[5]; int i; long l; };
enum __attribute__((packed)) tiny { T_A = 1, T_B = 200 };
enum __attribute__((packed)) tiny_signed { S_A = -1, S_B = 100 };
enum __attribute__((packed)) medium { M_A = 300 };
enum small { E_A, E_B = 5, E_C };
enum large { L_A = 0x100000000 };
enum negative { N_A = -1 };

CASE(size_plain, 24) { return sizeof(struct plain); }
CASE(size_packed, 15) { return sizeof(struct packed); }
CASE(size_member_packed, 8) { return sizeof(struct member_packed); }
CASE(offset_member_packed, 1) { return __builtin_offsetof(struct member_packed, i); }
CASE(size_member_aligned, 16) { return sizeof(struct member_aligned); }
CASE(offset_member_aligned, 8) { return __builtin_offsetof(struct member_aligned, d); }
CASE(align_member_aligned, 8) { return _Alignof(struct member_aligned); }
CASE(size_in_packed, 16) { return sizeof(struct in_packed); }
CASE(offset_in_packed, 4) { return __builtin_offsetof(struct in_packed, i); }
CASE(size_whole_aligned, 16) { return sizeof(struct whole_aligned); }
CASE(size_pack2, 16) { return sizeof(struct pack2); }
CASE(offset_pack2, 6) { return __builtin_offsetof(struct pack2, l); }
CASE(size_pack1, 5) { return sizeof(struct pack1); }
CASE(size_after_pack, 8) { return sizeof(struct after); }
CASE(alignas_member, 48) { return sizeof(struct alignas_member) + __builtin_offsetof(struct alignas_member, i); }
CASE(size_union, 8) { return sizeof(union mixed); }
CASE(size_tiny_enums, 112) { return sizeof(enum tiny) + sizeof(enum tiny_signed) * 10 + sizeof(enum medium) * 50 + 1; }
CASE(tiny_value, 200) { enum tiny t = T_B + zero; return t; }
CASE(tiny_signed_value, -1) { enum tiny_signed t = minus; return t; }
CASE(size_enums, 484) { return sizeof(enum small) + sizeof(enum large) * 10 + sizeof(enum negative) * 100; }
CASE(enumerators, 6) { return E_C; }
CASE(enum_unsigned, 1) { enum small e = E_B; return (e - 6 > 0) == (sizeof(e) == 4) || 1; }
CASE(enum_large, 1) { return L_A == 1l << 32; }
CASE(packed_access, 1234)
{
	struct packed p = { 1, 200 * one, 30, 1003 };
	p.i += p.s;
	p.l += p.c;
	return p.i + p.l;
}
static int sum_packed(struct packed *p) { return p->c + p->i + p->s + p->l; }
CASE(packed_through_pointer, 10)
{
	struct packed p = { 1, 2, 3, 4 };
	return sum_packed(&p);
}
CASE(packed_array, 0x04030201)
{
	struct __attribute__((packed)) { char c; int i; } a[3] = { { 1, 2 }, { 3, 0x04030201 } };
	return a[one & 1].i;
}
CASE(packed_copy, 77)
{
	struct packed a = { 7, 70 }, b;
	b = a;
	return b.c + b.i;
}
static struct packed in_memory = { 1, 0x01020304, 5, 6 };
CASE(packed_global, 0x01020305) { in_memory.i += one; return in_memory.i; }
CASE(packed_written_by_index, 31)
{
	struct __attribute__((packed)) { char c; long l; short s; } a[3] = {};
	a[two & 3 & 2].l = 20 * one;
	a[two & 3 & 2].s += 11;
	return a[2].l + a[two & 3 & 2].s;
}

/* ---- bit-fields ---- */
struct bits { unsigned a : 3; int b : 5; unsigned long c : 40; unsigned d : 1; long e : 20; unsigned char f : 7; };
struct gaps { unsigned a : 4; unsigned : 4; unsigned b : 8; unsigned : 0; unsigned c : 1; };
struct crossing { char c; unsigned x : 30; unsigned y : 30; };
struct packed_bits { char c; unsigned a : 12; unsigned b : 20; int d; } __attribute__((packed));
struct bool_bits { _Bool t : 1; _Bool u : 1; };
CASE(bits_size, 16) { return sizeof(struct bits) + 0 * sizeof(struct gaps); }
CASE(gaps_size, 8) { return sizeof(struct gaps); }
CASE(crossing_size, 12) { return sizeof(struct crossing); }
CASE(packed_bits_size, 9) { return sizeof(struct packed_bits); }
CASE(bit_unsigned, 7) { struct bits b = { .a = 15 * one }; return b.a; }
CASE(bit_signed, -1) { struct bits b = { .b = 31 * one }; return b.b; }
CASE(bit_wide, 1) { struct bits b = { .c = minus }; return b.c == 0xffffffffff; }
CASE(bit_neighbours, 531)
{
	struct bits b = {};
	b.a = 1;
	b.b = 3;
	b.d = 1;
	b.f = 5;
	return b.a + b.b * 10 + b.f * 100 + b.d * 0;
}
CASE(bit_increment, 0) { struct bits b = { .a = 7 }; b.a += one; return b.a; }
CASE(bit_postfix, 7) { struct bits b = { .a = 7 }; return b.a++ + b.a; }
CASE(bit_assign_value, 1) { struct bits b; return b.a = 9 * one; }
CASE(bit_promotes_to_int, 1) { struct bits b = { .a = 0 }; return b.a - 1 < 0; }
CASE(bit_bool, 1) { struct bool_bits b = { .t = 4 * one }; b.u = b.t; return b.u; }
CASE(bit_gap, 3) { struct gaps g = { 1, 2 }; return g.a + g.b + g.c; }
CASE(bit_crossing, 1) { struct crossing x = { 1, 0x3fffffff, 0x20000000 * one }; return x.x == 0x3fffffff && x.y == 0x20000000; }
CASE(bit_packed, 1) { struct packed_bits p = { 1, 0xabc, 0x12345 * one, minus }; return p.a == 0xabc && p.b == 0x12345 && p.d == -1; }
CASE(bit_in_array, 5) { struct bits a[3] = { [1] = { .a = 5 } }; return a[one & 1].a; }
CASE(bit_negative_initialiser, -3) { struct bits b = { .e = -3 * one }; return b.e; }
CASE(bit_compare, 1) { struct bits b = { .b = -4 }; return b.b < 0 && b.b == -4; }
CASE(bit_shift_assign, 4) { struct bits b = { .a = 1 }; b.a <<= two; return b.a; }
CASE(bit_copy, 21) { struct bits a = { .f = 21 }, b = a; return b.f; }
static struct bits global_bits = { 5, -2, 0x1234567890, 1, -7, 100 };
CASE(bit_global, 91) { return global_bits.a + global_bits.b + global_bits.e + global_bits.f - 5 + (global_bits.c != 0x1234567890) ; }
CASE(bit_union, 0x5) { union { struct { unsigned lo : 4, hi : 4; } b; unsigned char c; } u = { .c = 0x5a }; return u.b.hi; }

/* ---- unions and anonymous members ---- */
CASE(union_bytes, 0x02) { union mixed m = { .l = 0x0102030405060708 }; return m.c[(zero & 1) + 6]; }
CASE(union_first, 98) { union mixed m = { "abc" }; return m.c[one & 1]; }
CASE(union_pun, 0x3f80) { union { unsigned u; unsigned short h[2]; } x = { 0x3f800000 + zero }; return x.h[1]; }
struct outer { int a; union { int b; struct { short c, d; }; }; struct { int e; } named; };
CASE(anonymous_members, 42) { struct outer o = { 1, { .b = 0x00020001 }, { 39 } }; return o.a + o.c + o.d - 1 + o.named.e; }
CASE(anonymous_size, 12) { return sizeof(struct outer); }
CASE(anonymous_pointer, 9) { struct outer o = {}, *p = &o; p->d = 4; p->c = 5; return p->b / 65536 + (p->b & 0xff); }
struct flexible { int n; short data[]; };
CASE(flexible_size, 4) { return sizeof(struct flexible); }
CASE(flexible_access, 7) { struct { struct flexible f; short more[2]; } x = { { 2 }, { 3, 4 } }; return x.f.data[zero & 1] + x.f.data[one & 1]; }
struct nested { struct { struct { int x[2]; } b[2]; } a; };
CASE(nested_arrays, 4) { struct nested n = { { { { { 1, 2 } }, { { 3, 4 } } } } }; return n.a.b[one & 1].x[one & 1]; }
struct self { struct self *next; int v; };
CASE(self_pointer, 6) { struct self c = { 0, 3 }, b = { &c, 2 }, a = { &b, 1 }; return a.v + a.next->v + a.next->next->v; }
CASE(local_struct, 3) { struct here { int a, b; } h = { 1, 2 }; return h.a + h.b; }
CASE(scoped_struct, 12) { struct plain { int only; }; return sizeof(struct plain) + ({ struct plain p = { 8 }; p.only; }); }
CASE(struct_assignment_chain, 15) { struct plain a = { .i = 5 }, b, c; c = b = a; return a.i + b.i + c.i; }
CASE(struct_array_assignment, 9) { struct plain a[2] = { { .i = 4 }, { .i = 5 } }, b; b = a[one & 1]; a[0] = b; return a[0].i + 4; }
CASE(struct_compare_members, 1) { struct plain a = { 1, 2 }, b = a; return a.i == b.i && a.c == b.c; }
CASE(alignof_types, 8442) { return _Alignof(short) + _Alignof(int) * 10 + _Alignof(long[3]) * 1000 + _Alignof(struct after) * 100; }
CASE(sizeof_expressions, 1) { char a[10]; return sizeof a == 10 && sizeof(a[0]) == 1 && sizeof &a == 8 && sizeof(1l) == 8 && sizeof 'a' == 4; }
CASE(sizeof_does_not_evaluate, 7) { int i = seven; (void)sizeof(i++); return i; }
