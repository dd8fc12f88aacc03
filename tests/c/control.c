/* Statements: C11 6.8; GNU: case ranges, statement expressions, local labels. */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;
static volatile long lseven = 7, lhuge = 0x100000001;

CASE(if_then, 1) { if (seven) return 1; return 2; }
CASE(if_else, 2) { int r; if (zero) r = 1; else r = 2; return r; }
CASE(if_chain, 2) { if (seven == 1) return 1; else if (seven == 7) return 2; else return 3; }
CASE(if_dangling_else, 2) { int r = 0; if (one) if (zero) r = 1; else r = 2; return r; }
CASE(if_assignment, 7) { int a; if ((a = seven) > 5) return a; return 0; }
CASE(if_declares_nothing, 4) { if (one) ; else return 3; return 4; }
CASE(while_loop, 45) { int i = 0, s = 0; while (i < 10) s += i++; return s; }
CASE(while_never, 5) { int s = 5; int z = 0; while (z) s++; return s; }
CASE(do_loop, 5) { int i = 0; do i++; while (i < 5); return i; }
CASE(do_once, 3) { int i = 0; do { i += 3; } while (0); return i; }
CASE(for_loop, 285) { int s = 0; for (int i = 0; i < 10; i++) s += i * i; return s; }
CASE(for_without_parts, 6) { int i = 0; for (;;) { if (i == 6) break; i++; } return i; }
CASE(for_two_variables, 30) { int s = 0; for (int i = 0, j = 10; i < j; i++, j--) s += j - i; return s; }
CASE(for_scope, 100) { int i = 100; for (int i = 0; i < 3; i++) ; return i; }
CASE(for_down, 43210) { int s = 0; for (unsigned i = 5; i--;) s = s * 10 + i; return s; }
CASE(for_empty_body, 8) { int i; for (i = 0; i < 8; i++) ; return i; }
CASE(break_inner, 8) { int n = 0; for (int i = 0; i < 4; i++) for (int j = 0; j < 4; j++) { if (j == 2) break; n++; } return n; }
CASE(continue_for, 18) { int s = 0; for (int i = 0; i < 10; i++) { if (i % 3) continue; s += i; } return s; }
CASE(continue_while, 30) { int i = 0, s = 0; while (i++ < 10) { if (i & 1) continue; s += i; } return s; }
CASE(continue_do, 8) { int i = 0, s = 0; do { if (i == 2) continue; s += i; } while (++i < 5); return s; }
CASE(return_from_loop, 8) { for (int i = 0; i < 100; i++) if (i * i > 50) return i; return -1; }
CASE(nested_loops, 84) { int s = 0; for (int i = 0; i < 3; i++) for (int j = 0; j <= i; j++) s += i * 10 + j; return s; }
CASE(loop_variable_bound, 21) { int s = 0, n = seven & 15; for (int i = 0; i < n; i++) s += i; return s; }
CASE(loop_of_64_bits, 6) { long s = 0; for (long i = 1l << 33; i < (1l << 33) + 4; i++) s += i & 7; return s; }
CASE(loop_of_chars, 6) { int s = 0; for (unsigned char c = 250; c >= 250; c++) s++; return s; }
CASE(loop_collatz, 111) { int n = 27 & 31, k = 0; while (n != 1 && k < 200) { n = n & 1 ? 3 * n + 1 : n / 2; k++; } return k; }
CASE(switch_value, 2) { switch (seven) { case 1: return 1; case 7: return 2; default: return 3; } }
CASE(switch_default, 3) { switch (seven) { case 1: return 1; default: return 3; case 2: return 2; } }
CASE(switch_none, 9) { int r = 9; switch (seven) { case 1: r = 1; } return r; }
CASE(switch_fallthrough, 110) { int r = 0; switch (two) { case 1: r += 1; case 2: r += 10; case 3: r += 100; break; case 4: r += 1000; } return r; }
CASE(switch_range, 2) { switch (seven) { case 0 ... 5: return 1; case 6 ... 9: return 2; } return 3; }
CASE(switch_range_ends, 4) { int n = 0; for (int i = 4; i < 11; i++) switch (i) { case 6 ... 9: n++; } return n; }
CASE(switch_negative, 5) { switch (minus) { case -1: return 5; case 0xff: return 6; } return 7; }
CASE(switch_char, 1) { unsigned char c = 200 * one; switch (c) { case 200: return 1; case -56: return 2; } return 3; }
CASE(switch_long, 2) { switch (lhuge) { case 1: return 1; case 0x100000001: return 2; } return 3; }
CASE(switch_unsigned, 4) { switch ((unsigned)minus) { case 0xffffffff: return 4; } return 3; }
CASE(switch_enum, 3) { enum { A, B, C } e = two; switch (e) { case A: return 1; case B: return 2; case C: return 3; } return 4; }
CASE(switch_nested, 6) { switch (seven) { case 7: switch (two) { case 1: return 1; case 2: break; } return 6; } return 3; }
CASE(switch_in_loop, 406) { int s = 0; for (int i = 0; i < 5; i++) { switch (i) { case 1: continue; case 3: break; default: s += i; } s += 100; } return s; }
CASE(switch_case_inside_block, 5) { int r = 0; switch (two) { case 1: { r = 1; case 2: r += 5; } break; } return r; }
CASE(switch_duff, 5) { int n = 5, r = 0; switch (n % 4) { case 0: do { r++; case 3: r++; case 2: r++; case 1: r++; } while ((n -= 4) > 0); } return r; }
CASE(switch_side_effect_once, 4) { int k = 3; switch (k++) { case 3: return k; } return 0; }
CASE(switch_many, 57) { int s = 0; for (int i = 0; i < 12; i++) switch (i) { case 0: s += 1; break; case 1: s += 3; break; case 2: s += 5; break; case 3: s += 7; break; case 5: s += 11; break; case 8: s += 13; break; case 11: s += 17; break; } return s; }
CASE(goto_forward, 1) { int r = 1; goto over; r = 2; over: return r; }
CASE(goto_backward, 5) { int i = 0; again: if (++i < 5) goto again; return i; }
CASE(goto_out_of_loops, 23) { int i, j; for (i = 0; i < 5; i++) for (j = 0; j < 5; j++) if (i * j == 6) goto found; return -1; found: return i * 10 + j; }
CASE(goto_into_block, 5) { int r = 0; if (one) goto inside; { r = 100; inside: r += 5; } return r; }
CASE(goto_cleanup, 100) { int r = 0; if (seven > 5) goto out_a; r += 1; out_b: r += 10; out_a: r += 100; return r; }
CASE(label_before_brace, 3) { goto end; end: ; return 3; }
CASE(local_label, 3) { return ({ __label__ l; int x = 0; l: if (++x < 3) goto l; x; }); }
CASE(block_scope, 1) { int x = 1; { int x = 2; { int x = 3; (void)x; } if (x != 2) return 9; } return x; }
CASE(empty_statements, 4) { ;;; {} return 4; }
CASE(statement_expression, 15) { int r = ({ int t = seven; t *= 2; t + 1; }); return r; }
CASE(statement_expression_nested, 7) { return ({ int a = ({ int b = 3; b * 2; }); a + 1; }); }
CASE(statement_expression_loop, 12) { return ({ int s = 0; for (int i = 0; i < 4; i++) s += i; s; }) * 2; }
CASE(statement_expression_return, 44) { int x = ({ if (seven) return 44; 5; }); return x; }
CASE(statement_expression_break, 6) { int n = 0; for (int i = 0; i < 9; i++) n += ({ if (i == 4) break; i; }); return n; }
CASE(statement_expression_void, 5) { int x = 1; ({ x = 5; (void)0; }); return x; }
CASE(statement_expression_struct, 2) { struct p { int a, b; }; return ({ struct p p = { 1, 2 }; p; }).b; }
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
CASE(macro_max, 34) { int i = 3; return max(i++, 2) * 10 + i; }
CASE(macro_max_nested, 9) { return max(max(seven, two), max(one, 9)); }
CASE(typeof_expression, 8) { __typeof__(lseven) x = 1; return sizeof(x); }
CASE(typeof_type, 12) { __typeof__(int *) p = 0; return sizeof(p) + sizeof(*p); }
CASE(typeof_array, 15) { int a[3]; __typeof__(a) b = { 1, 2, 3 }; return sizeof(b) + b[2]; }
CASE(typeof_member, 4464) { struct s { short h; }; __typeof__(((struct s *)0)->h) x = 70000; return x; }
CASE(auto_type, 15) { __auto_type x = lseven; __auto_type p = &x; return *p + sizeof(x); }
#define KIND(x) _Generic((x), char: 1, int: 2, unsigned: 3, long: 4, unsigned long: 5, char *: 6, const char *: 7, default: 9)
CASE(generic_kinds, 234169) { return KIND(1) * 100000 + KIND(1u) * 10000 + KIND(1l) * 1000 + KIND((char)1) * 100 + KIND("a") * 10 + KIND((short)1); }
CASE(generic_unevaluated, 0) { int i = 0; return _Generic(i++, int: i) + i; }
CASE(generic_function, 2) { return _Generic(lseven, int: 1, long: 2); }
CASE(static_assert_statement, 6) { _Static_assert(sizeof(int) == 4, "int"); _Static_assert(1); return 6; }
CASE(fallthrough_attribute, 3) { int r = 0; switch (one) { case 1: r = 1; __attribute__((fallthrough)); case 2: r += 2; } return r; }
CASE(unused_attributes, 4) { int x __attribute__((unused)) = 3, y __attribute__((__aligned__(8))) = 4; return y; }
CASE(dead_code, 1) { return 1; for (;;) ; return 2; }
CASE(infinite_loop_with_return, 9) { int i = 0; while (1) { if (++i == 9) return i; } }
CASE(boolean_loop_condition, 5) { int i = 0; while (!(i >= 5) && (i != 4 || one)) i++; return i; }
CASE(pragma_ignored_in_body, 10) { int s = 0;
_Pragma("unroll")
	for (int i = 0; i < 5; i++)
		s += i;
	return s; }
CASE(prime_count, 10) { int n = 0; for (int i = 2; i < 30; i++) { int is = 1; for (int j = 2; j * j <= i; j++) if (i % j == 0) { is = 0; break; } n += is; } return n; }
CASE(fibonacci, 832040) { unsigned a = 0, b = 1; for (int i = 0; i < 30; i++) { unsigned t = a + b; a = b; b = t; } return a; }
CASE(bubble_sort, 123456) { int a[6] = { 5, 2, 6, 1, 4, 3 }, r = 0; for (int i = 0; i < 6; i++) for (int j = 0; j < 5; j++) if (a[j] > a[j + 1]) { int t = a[j]; a[j] = a[j + 1]; a[j + 1] = t; } for (int i = 0; i < 6; i++) r = r * 10 + a[i]; return r; }
CASE(bit_count_loop, 13) { unsigned v = 0xf0f01234, n = 0; for (; v; v &= v - 1) n++; return n; }
CASE(gcd, 21) { unsigned a = 1071, b = 462; for (int i = 0; i < 20 && b; i++) { unsigned t = a % b; a = b; b = t; } return a; }
CASE(string_length, 10) { char s[16] = "hello, bpf"; int n = 0; while (n < 16 && s[n]) n++; return n; }
CASE(hash_fnv, 440920331) { char s[8] = "abc"; unsigned h = 2166136261u; for (int i = 0; i < 8 && s[i]; i++) h = (h ^ s[i]) * 16777619u; return h; }
CASE(checksum, 43096) { unsigned short w[4] = { 0x4500, 0x0073, 0xffff, 0x1234 }; unsigned s = 0; for (int i = 0; i < 4; i++) s += w[i]; s = (s & 0xffff) + (s >> 16); return (unsigned short)~s; }
CASE(statement_expression_label, 5) { return ({ int x = seven; if (x > 5) goto out_of; x = 9; out_of: x - 2; }); }
