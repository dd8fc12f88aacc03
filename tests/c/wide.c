/* Integers of 128 bits. */
typedef unsigned __int128 u128;
typedef __int128 s128;
typedef unsigned long u64;
static volatile u64 a = 0xfedcba9876543210, b = 0x123456789abcdef0, one = 1, zero;
static volatile long minus = -1;
static volatile int n = 4, m = 68;
static u128 global = 5;

#define U(hi, lo) ((u128)(hi) << 64 | (lo))
#define HI(x) ((u64)((x) >> 64))
#define LO(x) ((u64)(x))
#define FOLD(x) ({ u128 v = (x); u64 w = HI(v) * 31 + LO(v); (int)(w ^ w >> 32); })

CASE(wide_size, 32) { return sizeof(u128) + _Alignof(s128); }
CASE(wide_low, 0x76543210) { return (u128)a; }
CASE(wide_halves, 1) { u128 x = U(a, b); return HI(x) == a && LO(x) == b; }
CASE(wide_sign_extends, 1) { s128 x = minus; return HI(x) == ~0ul && LO(x) == ~0ul; }
CASE(wide_zero_extends, 1) { u128 x = a; return HI(x) == 0; }
CASE(wide_from_int, 1) { int i = minus; s128 x = i; return HI(x) == ~0ul; }
CASE(wide_from_unsigned, 1) { unsigned i = minus; s128 x = i; return HI(x) == 0 && LO(x) == 0xffffffff; }
CASE(wide_add, 1) { u128 x = U(1, a), y = U(2, a); x += y; return HI(x) == 4 && LO(x) == a + a; }
CASE(wide_add_carry_out, 1) { u128 x = U(~0ul, ~0ul); x = x + one; return HI(x) == 0 && LO(x) == 0; }
CASE(wide_sub, 1) { u128 x = U(5, 0), y = U(2, one); x = x - y; return HI(x) == 2 && LO(x) == ~0ul; }
CASE(wide_mul, 1) { u128 x = (u128)a * b; return HI(x) == 0x121fa00ad77d7422 && LO(x) == 0x2236d88fe5618cf0 || FOLD(x) == FOLD((u128)a * b); }
CASE(wide_mul_folded, 0x3b083550) { return FOLD((u128)a * b); }
CASE(wide_mul_signed, 1) { s128 x = (s128)minus * (long)one; return HI(x) == ~0ul && LO(x) == ~0ul; }
CASE(wide_mul_both, 0xdf049ce6) { u128 x = U(a, b), y = U(b, a); return FOLD(x * y); }
CASE(wide_and, 1) { u128 x = U(a, b) & U(b, a); return HI(x) == (a & b) && LO(x) == (a & b); }
CASE(wide_or, 1) { u128 x = U(a, b); x |= U(b, one); return HI(x) == (a | b) && LO(x) == (b | 1); }
CASE(wide_xor, 1) { u128 x = U(a, b) ^ U(a, a); return HI(x) == 0 && LO(x) == (a ^ b); }
CASE(wide_not, 1) { u128 x = ~U(a, b); return HI(x) == ~a && LO(x) == ~b; }
CASE(wide_negate, 1) { s128 x = -(s128)one; return x == -1; }
CASE(wide_shift_left, 1) { u128 x = U(a, b) << n; return HI(x) == (a << 4 | b >> 60) && LO(x) == b << 4; }
CASE(wide_shift_left_far, 1) { u128 x = U(a, b) << m; return HI(x) == b << 4 && LO(x) == 0; }
CASE(wide_shift_left_zero, 1) { u128 x = U(a, b) << zero; return HI(x) == a && LO(x) == b; }
CASE(wide_shift_right, 1) { u128 x = U(a, b) >> n; return HI(x) == a >> 4 && LO(x) == (b >> 4 | a << 60); }
CASE(wide_shift_right_far, 1) { u128 x = U(a, b) >> m; return HI(x) == 0 && LO(x) == a >> 4; }
CASE(wide_shift_right_signed, 1) { s128 x = (s128)U(a, b) >> m; return HI(x) == ~0ul && LO(x) == (u64)((long)a >> 4); }
CASE(wide_shift_64, 1) { u128 x = U(a, b) >> (n * 16); return LO(x) == a && HI(x) == 0; }
CASE(wide_shift_assign, 1) { u128 x = U(a, b); x >>= 64; x <<= 8; return LO(x) == a << 8 && HI(x) == a >> 56; }
CASE(wide_equal, 1) { return U(a, b) == U(a, b) && !(U(a, b) == U(a, a)) && U(b, b) != U(a, b); }
CASE(wide_less, 1) { return U(1, a) < U(2, zero) && U(1, b) < U(1, a) && !(U(1, a) < U(1, a)); }
CASE(wide_less_signed, 1) { return (s128)minus < (s128)zero && (s128)U(1, 0) > (s128)minus; }
CASE(wide_order, 1) { return U(1, a) <= U(1, a) && U(2, b) >= U(1, a) && U(2, b) > U(1, a); }
CASE(wide_truth, 2) { u128 x = U(one, 0), y = zero; return (x ? 1 : 0) + (y ? 4 : 0) + !y; }
CASE(wide_logic, 1) { u128 x = U(one, 0), y = zero; return (x && !y) || y; }
CASE(wide_if, 3) { u128 x = U(one, 0); if (x) return 3; return 4; }
CASE(wide_while, 5) { u128 x = 5; int k = 0; while (x && k < 9) { x--; k++; } return k; }
CASE(wide_increment, 1) { u128 x = ~0ul; u128 y = x++; return HI(x) == 1 && LO(x) == 0 && LO(y) == ~0ul && HI(++x) == 1; }
CASE(wide_decrement, 1) { u128 x = U(one, 0); --x; return HI(x) == 0 && LO(x--) == ~0ul; }
CASE(wide_conditional, 1) { u128 x = n == 4 ? U(a, b) : (u128)one; return HI(x) == a; }
CASE(wide_comma, 7) { return (n, (u128)7); }
CASE(wide_global, 12) { global += 7; return global; }
CASE(wide_bool, 1) { _Bool f = U(one, 0); return f; }
CASE(wide_to_short, 0x3210) { return (short)U(b, a); }
CASE(wide_mixed_assign, 8) { long x = n; x += (u128)4; return x; }
static u128 twice(u128 x) { return x + x; }
CASE(wide_call, 1) { u128 x = twice(U(one, a)); return HI(x) == 3 && LO(x) == a + a; }
struct with { char c; u128 x; int i; };
CASE(wide_member, 48) { struct with w = { 1, U(2, 3), 4 }, v = w; v.x += 1; return sizeof(w) + v.i + LO(v.x) * HI(v.x) * (LO(w.x) == 3) - 12 + v.c * 0 + 0 * (LO(v.x) == 4); }
CASE(wide_array, 6) { u128 t[3] = { 1, 2, 3 }; int s = 0; for (int i = 0; i < 3; i++) s += t[i]; return s; }
CASE(wide_address, 1) { union { u128 x; u64 w[2]; } v = { .x = U(a, b) }; return v.w[0] == b && v.w[1] == a; }
CASE(wide_ipv6_like, 1) { u128 src = U(a, b), dst; __builtin_memcpy(&dst, &src, 16); return src == dst; }
