/* __sync_… and __atomic_… on 4 and 8 bytes. */
static volatile int seven = 7, two = 2;
static long l;
static unsigned int u;
static int i;
static unsigned char b;

CASE(sync_fetch_and_add, 1007) { i = seven; return __sync_fetch_and_add(&i, 2) + 0 * i + 1000; }
CASE(sync_add_stores, 9) { i = seven; __sync_fetch_and_add(&i, two); return i; }
CASE(sync_add_long, 1) { l = 0x100000000; __sync_fetch_and_add(&l, seven); return l == 0x100000007; }
CASE(sync_fetch_and_sub, 75) { i = seven; return __sync_fetch_and_sub(&i, two) * 10 + i; }
CASE(sync_fetch_and_or, 711) { i = seven; return __sync_fetch_and_or(&i, 9 + 0 * two) * 100 + i - 4; }
CASE(sync_fetch_and_and, 73) { i = seven; return __sync_fetch_and_and(&i, 11) * 10 + i; }
CASE(sync_fetch_and_xor, 75) { i = seven; return __sync_fetch_and_xor(&i, two) * 10 + i; }
CASE(sync_add_and_fetch, 99) { i = seven; return __sync_add_and_fetch(&i, two) * 10 + i; }
CASE(sync_sub_and_fetch, 55) { i = seven; return __sync_sub_and_fetch(&i, two) * 10 + i; }
CASE(sync_or_and_fetch, 165) { i = seven; return __sync_or_and_fetch(&i, 8 + 0 * two) * 10 + i; }
CASE(sync_and_and_fetch, 22) { i = seven; return __sync_and_and_fetch(&i, two) * 10 + i; }
CASE(sync_xor_and_fetch, 55) { i = seven; return __sync_xor_and_fetch(&i, two) * 10 + i; }
CASE(sync_operand_once, 31) { int k = 1; i = seven; return __sync_add_and_fetch(&i, k++) + k * 10 + 3; }
CASE(sync_val_cas, 73) { i = seven; return __sync_val_compare_and_swap(&i, 7, 3) * 10 + i; }
CASE(sync_val_cas_fails, 77) { i = seven; return __sync_val_compare_and_swap(&i, 6, 3) * 10 + i; }
CASE(sync_bool_cas, 13) { i = seven; return __sync_bool_compare_and_swap(&i, seven, 3) * 10 + i; }
CASE(sync_bool_cas_fails, 7) { i = seven; return __sync_bool_compare_and_swap(&i, two, 3) * 10 + i; }
CASE(sync_cas_long, 1) { l = -5; return __sync_bool_compare_and_swap(&l, -5l, 9l) && l == 9; }
CASE(sync_test_and_set, 71) { i = seven; return __sync_lock_test_and_set(&i, 1) * 10 + i; }
CASE(sync_release, 0) { i = seven; __sync_lock_release(&i); return i; }
CASE(sync_synchronize, 7) { i = seven; __sync_synchronize(); return i; }
CASE(atomic_fetch_add, 79) { i = seven; return __atomic_fetch_add(&i, two, __ATOMIC_SEQ_CST) * 10 + i; }
CASE(atomic_fetch_sub, 75) { u = seven; return __atomic_fetch_sub(&u, two, __ATOMIC_RELAXED) * 10 + u; }
CASE(atomic_fetch_or, 85) { i = seven; return __atomic_fetch_or(&i, 8, __ATOMIC_ACQUIRE) * 10 + i; }
CASE(atomic_fetch_and, 72) { i = seven; return __atomic_fetch_and(&i, two, __ATOMIC_RELEASE) * 10 + i; }
CASE(atomic_fetch_xor, 75) { i = seven; return __atomic_fetch_xor(&i, two, __ATOMIC_ACQ_REL) * 10 + i; }
CASE(atomic_add_fetch, 99) { i = seven; return __atomic_add_fetch(&i, two, 0) * 10 + i; }
CASE(atomic_sub_fetch, 55) { l = seven; return __atomic_sub_fetch(&l, two, 0) * 10 + l; }
CASE(atomic_or_fetch, 77) { i = seven; return __atomic_or_fetch(&i, two, 0) * 10 + i; }
CASE(atomic_and_fetch, 22) { i = seven; return __atomic_and_fetch(&i, two, 0) * 10 + i; }
CASE(atomic_xor_fetch, 55) { i = seven; return __atomic_xor_fetch(&i, two, 0) * 10 + i; }
CASE(atomic_load_n, 7) { i = seven; return __atomic_load_n(&i, __ATOMIC_SEQ_CST); }
CASE(atomic_load_byte, 200) { b = 200; return __atomic_load_n(&b, 0); }
CASE(atomic_load, 7) { int x; i = seven; __atomic_load(&i, &x, 0); return x; }
CASE(atomic_store_n, 9) { __atomic_store_n(&i, two + 7, __ATOMIC_SEQ_CST); return i; }
CASE(atomic_store, 7) { int x = seven; __atomic_store(&i, &x, 0); return i; }
CASE(atomic_exchange_n, 72) { i = seven; return __atomic_exchange_n(&i, two, 0) * 10 + i; }
CASE(atomic_exchange, 72) { int x = two, y; i = seven; __atomic_exchange(&i, &x, &y, 0); return y * 10 + i; }
CASE(atomic_cas, 137) { int want = 7; i = seven; return __atomic_compare_exchange_n(&i, &want, 3, 0, 0, 0) * 100 + i * 10 + want; }
CASE(atomic_cas_fails, 77) { int want = 6; i = seven; return __atomic_compare_exchange_n(&i, &want, 3, 1, 0, 0) * 100 + i * 10 + want; }
CASE(atomic_cas_from, 137) { int want = 7, to = 3; i = seven; return __atomic_compare_exchange(&i, &want, &to, 0, 0, 0) * 100 + i * 10 + want; }
CASE(atomic_fences, 7) { i = seven; __atomic_thread_fence(__ATOMIC_SEQ_CST); __atomic_signal_fence(0); return i; }
CASE(atomic_local, 12) { long x = seven; __sync_fetch_and_add(&x, 5); return x; }
