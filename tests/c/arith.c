/* Integer arithmetic: C11 6.3.1 (conversions), 6.5.3 to 6.5.16 (operators). */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1, most = 0x7fffffff;
static volatile unsigned uone = 1, big = 0xffffffff, upattern = 0x12345678;
static volatile long lbig = 0x123456789abcdef, lminus = -1, lleast = -0x7fffffffffffffff - 1;
static volatile unsigned long ulbig = 0xfedcba9876543210;
static volatile signed char sc = -5;
static volatile unsigned char uc = 200;
static volatile short sh = -300;
static volatile unsigned short us = 65000;
static volatile _Bool yes = 1;

CASE(add, 9) { return seven + two; }
CASE(sub, -5) { return two - seven; }
CASE(mul, -91) { return seven * -13; }
CASE(div, -23) { return seven * 10 / -3 * one; }
CASE(mod, -3) { return -seven * 5 % 8; }
CASE(div_negative, -3) { return minus * 17 / 5; }
CASE(mod_negative_divisor, 2) { return 17 % (minus * 5); }
CASE(div_unsigned, 613566756) { return big / 7; }
CASE(mod_unsigned, 295) { return big % 1000; }
CASE(div_mixed, 1) { return minus / uone == 0xffffffff; }
CASE(div_long, -321) { return lbig / -1000007 % 1000; }
CASE(div_ulong, 58415) { return ulbig / 1000000007 % 100000; }
CASE(div_by_power, -1875) { return (sh * 100) / 16; }
CASE(mod_by_power, 0) { return (sh * 100) % 16; }
CASE(unsigned_wrap, 0) { return big + uone; }
CASE(unsigned_sub_wrap, 1) { return uone - 2 > 0; }
CASE(long_low, -1985229329) { return lbig; }
CASE(neg, -7) { return -seven; }
CASE(neg_unsigned, 1) { return -uone == 0xffffffff; }
CASE(plus, -5) { return +sc; }
CASE(not, -8) { return ~seven; }
CASE(not_char, -201) { return ~uc; }
CASE(lognot, 10) { return !seven + !zero * 10; }
CASE(and, 1648) { return upattern & 0xff0; }
CASE(or, 22143) { return (upattern | 0xf) & 0xffff; }
CASE(xor, 43399) { return (upattern ^ big) & 0xffff; }
CASE(shl, 112) { return seven << 4; }
CASE(shl_to_sign, 1) { return (int)(uone << 31) < 0; }
CASE(shr_signed, -13) { return minus * 100 >> 3; }
CASE(shr_unsigned, 15) { return big >> 28; }
CASE(shl_long, 16) { return (1l << 40 * one) >> 36; }
CASE(shr_ulong, 15) { return ulbig >> 60; }
CASE(shr_long, -8) { return lleast >> 60; }
CASE(shift_by_char, 8) { return 1 << (unsigned char)(two + 1); }
CASE(shift_narrow_promotes, 3200) { return uc << 4; }
CASE(compare_signed, 7) { return (minus < zero) + (seven > two) * 2 + (two <= two) * 4 + (two >= seven) * 8; }
CASE(compare_unsigned, 3) { return (big > uone) + (minus > uone) * 2; }
CASE(compare_mixed_long, 3) { return (lminus < uone) + ((unsigned long)lminus > ulbig) * 2; }
CASE(compare_chars, 7) { return (sc < uc) + (sc == -5) * 2 + ((unsigned char)sc == 251) * 4; }
CASE(compare_equal, 1) { return (seven == 7) + (seven != 7) * 2; }
CASE(compare_large, 3) { return (ulbig > 0x7fffffffffffffff) + (lbig > 0x123456789abcdee) * 2; }
CASE(promote_schar, -1000) { return sc * uc; }
CASE(promote_ushort, 130000) { return us + us; }
CASE(promote_ushort_sub, 1) { return us - 65001 < 0; }
CASE(convert_to_schar, -56) { return (signed char)uc; }
CASE(convert_to_uchar, 212) { return (unsigned char)sh; }
CASE(convert_to_short, -536) { return (short)us; }
CASE(convert_to_ushort, 65535) { return (unsigned short)minus; }
CASE(convert_to_bool, 1) { return (_Bool)(lbig & ~0xfful) + (_Bool)zero * 2; }
CASE(convert_int_to_long, 1) { return (long)minus == -1; }
CASE(convert_unsigned_to_long, 1) { return (long)big == 0xffffffff; }
CASE(convert_long_to_int, 1985229328) { return (int)ulbig; }
CASE(convert_chain, 16) { return (int)(signed char)(unsigned short)ulbig; }
CASE(bool_arithmetic, 3) { return yes + yes + yes; }
CASE(bool_from_pointer, 1) { int x; _Bool b = &x; return b; }
CASE(logical_and, 2) { return (seven && zero) + (seven && two) * 2; }
CASE(logical_or, 2) { return (zero || zero) + (zero || two) * 2; }
CASE(logical_short_circuit, 1) { int n = 0; (void)(zero && n++); (void)(one || n++); (void)(one && n++); return n; }
CASE(conditional, 2) { return seven > 5 ? two : minus; }
CASE(conditional_nested, 3) { return seven < 5 ? 1 : seven < 6 ? 2 : seven < 8 ? 3 : 4; }
CASE(conditional_types, 9) { return sizeof(one ? (char)1 : 2l) + (zero ? minus : uone) ; }
CASE(conditional_gnu, 12) { return (seven ?: 5) + (zero ?: 5); }
CASE(conditional_gnu_once, 34) { int n = 3; int r = n++ ?: 9; return r * 10 + n; }
CASE(comma, 7) { int a = (one, two, seven); return a; }
CASE(assign_chain, 21) { int a, b, c; a = b = c = seven; return a + b + c; }
CASE(assign_truncates, 44) { unsigned char c; int v = (c = 300 + zero); return v; }
CASE(assign_add, 12) { int a = 5; a += seven; return a; }
CASE(assign_sub, 252) { unsigned char c = 3; c -= seven; return c; }
CASE(assign_mul, 24464) { short s = 300; s *= 300; return s; }
CASE(assign_div, -3) { int a = -seven; a /= 2; return a; }
CASE(assign_mod, 38) { long a = lbig; a %= 97; return a; }
CASE(assign_shl, 2) { unsigned char c = 0x81; c <<= one; return c; }
CASE(assign_shr, -32) { signed char c = -128; c >>= two; return c; }
CASE(assign_and, 20592) { unsigned a = upattern; a &= 0xf0f0; return a; }
CASE(assign_or, -32767) { short a = 1; a |= 0x8000 * one; return a; }
CASE(assign_xor, 0) { _Bool b = 1; b ^= one; return b; }
CASE(assign_mixed_width, 705032714) { int a = 10; a += 5000000000l * one; return a; }
CASE(assign_char_plus_long, 83) { char c = 100; c += lbig; return c; }
CASE(increment_pre, 88) { int a = seven; return ++a * 10 + a; }
CASE(increment_post, 78) { int a = seven; int b = a++; return b * 10 + a; }
CASE(decrement, 255) { unsigned char c = 0; int b = c--; return b * 1000 + c; }
CASE(decrement_pre, 65535) { unsigned short c = 0; return --c; }
CASE(increment_bool, 1) { _Bool b = 0; b++; b++; return b; }
CASE(increment_long, 1) { long a = 0xffffffff; a++; return a >> 32; }
CASE(literal_types, 84844) { return sizeof(1) + sizeof(1u) * 10 + sizeof(2147483648) * 100 + sizeof(0x80000000) * 1000 + sizeof(1ll) * 10000; }
CASE(literal_hex_unsigned, 0) { return -1 < 0xffffffff; }
CASE(literal_bases, 67) { return 0x1F + 037 + 0b101; }
CASE(overflow_wraps, 1) { return most + one < 0; }
CASE(multiply_wraps, -2) { return most * two; }
CASE(multiply_long, 4194303) { return (long)most * most >> 40; }
CASE(multiply_unsigned_long, 2147483647) { return (unsigned long)big * big >> 33; }
CASE(mask_and_shift, 1376) { return (upattern >> 8 & 0xff) << 4; }
CASE(rotate, 878082066) { return upattern << 8 | upattern >> 24; }
CASE(sign_of, -1) { return (minus > 0) - (minus < 0); }
CASE(min_max, 27) { return (seven < two ? seven : two) * 10 + (seven > two ? seven : two); }
CASE(precedence, 15) { return 1 + 2 * 3 << 1 & 12 | 1 ^ 2; }
CASE(precedence_compare, 1) { return 1 < 2 == 1 && 3 > 2 != 0; }
CASE(associativity, 20) { return 100 - 50 - 25 - (10 - 5); }
CASE(unary_chain, 10) { return - -seven + ~~two + !!seven; }
CASE(least_int, -2147483648) { return -2147483647 - 1; }
CASE(least_negate, 1) { return -(-most - 1) < 0; }
CASE(ulong_to_float_free, 0) { return ulbig % 10; }
