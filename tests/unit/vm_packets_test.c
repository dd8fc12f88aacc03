/* Unit tests of vm's packet helpers: sizes and context after resizing, checksums by summing anew,
 * and the same calls in the kernel (BPF_PROG_TEST_RUN) where that is permitted: results and packet
 * bytes must agree. */
#include "vm/vm.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define P(x) ((u64)(uintptr_t)(x))
enum { ROOM = 64, BYTES = 64, NET = 14 };

static u64 call(struct vm_thread *t, u32 id, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	const char *why;
	vm_helper_fn fn = vm_helper_builtin(id, &why);

	assert_non_null(fn);
	return fn(t, a, b, c, d, e);
}

static u64 rnd(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* A packet with room on both sides. */
struct bed {
	u8 all[ROOM + BYTES + ROOM];
	struct vm_packet k;
	struct vm_thread *t;
	u32 ctx[48];
};

static void bed_make(struct bed *b, u32 view)
{
	memset(b->all, 0xee, sizeof(b->all));
	memset(b->ctx, 0, sizeof(b->ctx));
	for (u32 i = 0; i < BYTES; i++)
		b->all[ROOM + i] = (u8)(i + 1);
	b->k = (struct vm_packet){ .data = b->all + ROOM,
				   .size = BYTES,
				   .net_off = NET,
				   .redirect = view == VM_VIEW_XDP ? 4 : 7,
				   .head_room = ROOM,
				   .tail_room = ROOM,
				   .view = view };
	vm_thread_packet(b->t, &b->k);
}

/* ---- resizing ----------------------------------------------------------------------------------- */

static void test_skb_resize(void **state)
{
	struct bed b = { .t = vm_thread_new(0) };
	const struct vm_packet *k = vm_thread_get_packet(b.t);
	u8 zero[10] = { 0 };

	(void)state;
	bed_make(&b, VM_VIEW_SKB);
	assert_int_equal(call(b.t, ISA_FN_skb_change_tail, P(b.ctx), BYTES + 10, 0, 0, 0), 0);
	assert_int_equal(k->size, BYTES + 10);
	assert_memory_equal(b.all + ROOM + BYTES, zero, 10);
	assert_int_equal(b.ctx[0], BYTES + 10);
	assert_int_equal(b.ctx[76 / 4], (u32)P(k->data));
	assert_int_equal(b.ctx[80 / 4], (u32)P(k->data + k->size));
	assert_int_equal(call(b.t, ISA_FN_skb_change_tail, P(b.ctx), 20, 0, 0, 0), 0);
	assert_int_equal(k->size, 20);
	assert_int_equal(k->tail_room, ROOM + BYTES - 20);
	assert_int_equal((s64)call(b.t, ISA_FN_skb_change_tail, P(b.ctx), 9000, 0, 0, 0), -ENOMEM);
	assert_int_equal((s64)call(b.t, ISA_FN_skb_change_tail, P(b.ctx), 30, 1, 0, 0), -EINVAL);
	assert_int_equal(call(b.t, ISA_FN_skb_change_head, P(b.ctx), 8, 0, 0, 0), 0);
	assert_int_equal(k->size, 28);
	assert_int_equal(k->net_off, NET + 8);
	assert_memory_equal(k->data, zero, 8);
	assert_int_equal(k->data[8], 1);
	assert_int_equal((s64)call(b.t, ISA_FN_skb_change_head, P(b.ctx), 60, 0, 0, 0), -ENOMEM);
	/* Without a view nobody can tell the program where the packet went. */
	bed_make(&b, VM_VIEW_NONE);
	assert_int_equal((s64)call(b.t, ISA_FN_skb_change_tail, P(b.ctx), 30, 0, 0, 0),
			 -EOPNOTSUPP);
	vm_thread_free(b.t);
}

static void test_xdp_resize(void **state)
{
	struct bed b = { .t = vm_thread_new(0) };
	const struct vm_packet *k = vm_thread_get_packet(b.t);

	(void)state;
	bed_make(&b, VM_VIEW_XDP);
	assert_int_equal(call(b.t, ISA_FN_xdp_adjust_meta, P(b.ctx), (u64)-8, 0, 0, 0), 0);
	memcpy(k->data - 8, "metadata", 8);
	assert_int_equal(b.ctx[0] - b.ctx[2], 8);
	assert_int_equal(call(b.t, ISA_FN_xdp_adjust_head, P(b.ctx), (u64)-16, 0, 0, 0), 0);
	assert_int_equal(k->size, BYTES + 16);
	assert_memory_equal(k->data - 8, "metadata", 8);
	assert_int_equal(k->data[16], 1);
	assert_int_equal(b.ctx[1] - b.ctx[0], BYTES + 16);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_head, P(b.ctx), (u64)-48, 0, 0, 0),
			 -EINVAL);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_head, P(b.ctx), BYTES + 3, 0, 0, 0),
			 -EINVAL);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_meta, P(b.ctx), 9, 0, 0, 0), -EINVAL);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_meta, P(b.ctx), 3, 0, 0, 0), -EACCES);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_tail, P(b.ctx), ROOM + 1, 0, 0, 0),
			 -EINVAL);
	assert_int_equal(call(b.t, ISA_FN_xdp_adjust_tail, P(b.ctx), (u64)-66, 0, 0, 0), 0);
	assert_int_equal(k->size, 14);
	assert_int_equal((s64)call(b.t, ISA_FN_xdp_adjust_tail, P(b.ctx), (u64)-1, 0, 0, 0),
			 -EINVAL);
	vm_thread_free(b.t);
}

static void test_verdicts(void **state)
{
	struct bed b = { .t = vm_thread_new(0) };

	(void)state;
	bed_make(&b, VM_VIEW_SKB);
	assert_int_equal(call(b.t, ISA_FN_redirect, 5, 1, 0, 0, 0), 7);
	assert_int_equal(vm_thread_get_packet(b.t)->target, 5);
	assert_int_equal(call(b.t, ISA_FN_redirect, 6, 2, 0, 0, 0), 2);
	assert_int_equal(call(b.t, ISA_FN_redirect_peer, 8, 0, 0, 0, 0), 7);
	assert_int_equal(call(b.t, ISA_FN_redirect_neigh, 9, 0, 0, 0, 0), 7);
	assert_int_equal(vm_thread_get_packet(b.t)->target, 9);
	assert_int_equal(call(b.t, ISA_FN_redirect_neigh, 9, 0, 4, 0, 0), 2);
	bed_make(&b, VM_VIEW_XDP);
	assert_int_equal(call(b.t, ISA_FN_redirect, 5, 0, 0, 0, 0), 4);
	assert_int_equal(call(b.t, ISA_FN_redirect, 5, 1, 0, 0, 0), 0);
	vm_thread_free(b.t);
}

static int keep(void *arg, const void *data, u32 size)
{
	memcpy(arg, data, size < 32 ? size : 32);
	return 0;
}

/* The program's own bytes, then as many of the packet as the flags say. */
static void test_output(void **state)
{
	struct maps_spec s = { .type = ISA_MAP_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4,
			       .max_entries = 1, .n_slots = 1 };
	struct bed b = { .t = vm_thread_new(0) };
	struct maps_map *m;
	u8 got[32] = { 0 };

	(void)state;
	assert_int_equal(maps_create(&s, &m, NULL), 0);
	bed_make(&b, VM_VIEW_SKB);
	assert_int_equal(call(b.t, ISA_FN_perf_event_output, 0, P(m), 4ull << 32, P("meta"), 4), 0);
	assert_int_equal(maps_consume(m, keep, got), 1);
	assert_memory_equal(got, "meta\1\2\3\4\0", 9);
	assert_int_equal((s64)call(b.t, ISA_FN_perf_event_output, 0, P(m), 65ull << 32, P("meta"), 4),
			 -EFAULT);
	vm_thread_packet(b.t, NULL);
	assert_int_equal((s64)call(b.t, ISA_FN_perf_event_output, 0, P(m), 4ull << 32, P("meta"), 4),
			 -EINVAL);
	maps_put(m);
	vm_thread_free(b.t);
}

/* ---- checksums ---------------------------------------------------------------------------------- */

static u16 sum_of(const u8 *at, u32 n)
{
	u32 sum = 0;

	for (u32 i = 0; i < n; i += 2)
		sum += (u32)at[i] | (u32)at[i + 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

/* A word changes and its sum follows: the whole still sums to what a fresh sum gives. */
static void test_replace(void **state)
{
	enum { FIELD = 10, WORD = 16 };
	struct bed b = { .t = vm_thread_new(0) };
	u64 x = 88172645463325252ull;

	(void)state;
	for (u32 i = 0; i < 500; i++) {
		u32 size = i & 1 ? 4 : 2, is_l4 = i & 2;
		u64 from = 0, to = rnd(&x) & (size == 4 ? 0xffffffff : 0xffff);
		u8 *data = b.all + ROOM;
		u16 field = 0;

		bed_make(&b, VM_VIEW_SKB);
		for (u32 k = 0; k < BYTES; k++)
			data[k] = (u8)rnd(&x);
		memcpy(data + FIELD, &field, 2);
		field = sum_of(data, BYTES);
		memcpy(data + FIELD, &field, 2);
		memcpy(&from, data + WORD, size);
		assert_int_equal(call(b.t, is_l4 ? ISA_FN_l4_csum_replace : ISA_FN_l3_csum_replace,
				      P(b.ctx), FIELD, from, to, size),
				 0);
		memcpy(data + WORD, &to, size);
		/* All words with a right sum among them sum to ones: the complement is 0. */
		if (sum_of(data, BYTES) != 0)
			fail_msg("round %u: %x", i, sum_of(data, BYTES));
	}
	bed_make(&b, VM_VIEW_SKB);
	assert_int_equal((s64)call(b.t, ISA_FN_l3_csum_replace, 0, 11, 0, 0, 0), -EFAULT);
	assert_int_equal((s64)call(b.t, ISA_FN_l3_csum_replace, 0, BYTES, 0, 0, 0), -EFAULT);
	assert_int_equal((s64)call(b.t, ISA_FN_l3_csum_replace, 0, 10, 0, 0, 16), -EINVAL);
	assert_int_equal((s64)call(b.t, ISA_FN_l4_csum_replace, 0, 10, 0, 0, 3), -EINVAL);
	assert_int_equal((s64)call(b.t, ISA_FN_csum_update, 0, 10, 0, 0, 0), -524);
	vm_thread_free(b.t);
}

/* ---- the kernel's ------------------------------------------------------------------------------- */

/* A program that makes one call with these arguments and returns its result. */
static int kernel_prog(u32 type, u32 id, const u64 args[4])
{
	struct isa_insn p[24];
	union bpf_attr a = { .prog_type = type };
	u32 n = 0;

	for (u32 i = 0; i < 4; i++, n += 2)
		isa_ld_imm64(&p[n], (u8)(ISA_R2 + i), ISA_IMM64, args[i]);
	/* Memory to load into. */
	if (id == ISA_FN_skb_load_bytes_relative) {
		p[n++] = isa_store_imm(8, ISA_R10, -8, 0);
		p[n++] = isa_alu_reg(true, ISA_MOV, ISA_R3, ISA_R10);
		p[n++] = isa_alu_imm(true, ISA_ADD, ISA_R3, -8);
		p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R4, 8);
	}
	p[n++] = isa_call_helper((s32)id);
	p[n++] = isa_exit();
	a.insn_cnt = n;
	a.insns = P(p);
	a.license = P("GPL");
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
}

struct outcome {
	u32 ret, size;
	u8 data[ROOM + BYTES + ROOM];
};

static bool kernel_run(u32 type, u32 id, const u64 args[4], const u8 *data, struct outcome *out)
{
	union bpf_attr a = { 0 };
	int fd = kernel_prog(type, id, args), err;

	if (fd < 0)
		return false;
	a.test.prog_fd = (u32)fd;
	a.test.data_in = P(data);
	a.test.data_size_in = BYTES;
	a.test.data_out = P(out->data);
	a.test.data_size_out = sizeof(out->data);
	err = (int)syscall(SYS_bpf, BPF_PROG_TEST_RUN, &a, sizeof(a));
	close(fd);
	out->ret = a.test.retval;
	out->size = a.test.data_size_out;
	return err == 0;
}

static void compare(u32 id, const u64 args[4], u64 x)
{
	bool is_xdp = id == ISA_FN_xdp_adjust_head || id == ISA_FN_xdp_adjust_tail ||
		      id == ISA_FN_xdp_adjust_meta;
	struct bed b = { .t = vm_thread_new(0) };
	struct outcome kernel = { 0 };
	const struct vm_packet *k = vm_thread_get_packet(b.t);
	u64 into = 0, ours;
	/* What the start of a packet takes in is not cleared. */
	u32 from = id == ISA_FN_xdp_adjust_head && (s64)args[0] < 0 ? (u32)-args[0] : 0;

	bed_make(&b, is_xdp ? VM_VIEW_XDP : VM_VIEW_SKB);
	for (u32 i = 0; i < BYTES; i++)
		b.all[ROOM + i] = (u8)rnd(&x);
	/* Fields of zero are a case of their own. */
	memset(b.all + ROOM + 40, 0, 2);
	if (!kernel_run(is_xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, id, args,
			b.all + ROOM, &kernel))
		fail_msg("helper %u: not loaded or not run", id);
	if (id == ISA_FN_skb_load_bytes_relative)
		ours = call(b.t, id, P(b.ctx), args[0], P(&into), 8, args[3]);
	else
		ours = call(b.t, id, P(b.ctx), args[0], args[1], args[2], args[3]);
	if ((u32)ours != kernel.ret || k->size != kernel.size ||
	    (k->size > from && memcmp(k->data + from, kernel.data + from, k->size - from) != 0))
		fail_msg("helper %u(%llx, %llx, %llx, %llx): ours %d, %u bytes, kernel %d, %u bytes",
			 id, (unsigned long long)args[0], (unsigned long long)args[1],
			 (unsigned long long)args[2], (unsigned long long)args[3], (int)ours, k->size,
			 (int)kernel.ret, kernel.size);
	vm_thread_free(b.t);
}

static void test_kernel(void **state)
{
	static const u64 flags[] = { 0, 2, 4, 0x12, 0x14, 0x22, 0x20, 0x24, 0x34, 0x64, 3, 0x100 };
	static const u64 offs[] = { 10, 24, 40, 62, 63, 64, 11, 0x10000 };
	static const s64 by[] = { -300, -49, -48, -16, -8, -4, -1, 0, 1, 4, 8, 14, 40, 49, 50, 51, 70 };
	u64 args[4] = { 0, 0, 0, 0 }, x = 362436069;
	struct outcome out = { 0 };
	u8 data[BYTES] = { 0 };

	(void)state;
	if (!kernel_run(BPF_PROG_TYPE_XDP, ISA_FN_xdp_adjust_tail, args, data, &out)) {
		print_message("skipped: BPF_PROG_TEST_RUN is not permitted here\n");
		skip();
	}
	for (u32 o = 0; o < ARRAY_LEN(offs); o++)
		for (u32 f = 0; f < ARRAY_LEN(flags); f++)
			for (u32 is_l4 = 0; is_l4 < 2; is_l4++) {
				u64 with[4] = { offs[o], f % 3 ? rnd(&x) & 0xffff : 0,
						rnd(&x) & 0xffffffff, flags[f] };

				compare(is_l4 ? ISA_FN_l4_csum_replace : ISA_FN_l3_csum_replace,
					with, rnd(&x));
			}
	for (u32 i = 0; i < ARRAY_LEN(by); i++) {
		u64 with[4] = { (u64)by[i], 0, 0, 0 }, tail[4] = { (u64)(BYTES + by[i]), 0, 0, 0 };

		/* How much room there is differs: what both have is compared. */
		if (by[i] > -ROOM)
			compare(ISA_FN_xdp_adjust_head, with, rnd(&x));
		if (by[i] <= ROOM)
			compare(ISA_FN_xdp_adjust_tail, with, rnd(&x));
		if (by[i] >= 0 && by[i] <= ROOM)
			compare(ISA_FN_skb_change_head, with, rnd(&x));
		if (by[i] <= ROOM)
			compare(ISA_FN_skb_change_tail, tail, rnd(&x));
		args[0] = (u64)(by[i] + 40);
		args[3] = i % 3;
		compare(ISA_FN_skb_load_bytes_relative, args, rnd(&x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skb_resize), cmocka_unit_test(test_xdp_resize),
		cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_replace),
		cmocka_unit_test(test_output),	   cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
