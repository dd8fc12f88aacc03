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
CASE(loop_collatz, 111) { int n = 27 & 31, k = 0; while (n 