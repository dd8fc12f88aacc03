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
CASE(tiny_signed_value, -1) { enum tiny_signed t = minus;