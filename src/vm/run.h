/* What the files of vm share: the program as pre-decoded operations, the thread, faults, accesses.
 *
 * Operation i is instruction i, so that jumps, faults and callbacks name places alike in both forms.
 */
#ifndef SKEP_VM_RUN_H
#define SKEP_VM_RUN_H

#include "vm/vm.h"

enum { VM_FRAMES = 8, VM_TAIL_CALLS = 33, VM_CGROUP_LEVELS = 16, VM_TASK_BYTES = 1 << 16 };
#define VM_STACK_BYTES ((u32)VM_FRAMES * ISA_STACK_BYTES)

/* ---- operations --------------------------------------------------------------------------------- */

/* Arithmetic with both widths and both kinds of second operand, which also stands in the same order as pairs (P…): a
 * move and what is then done to the moved value, in one step. Then jumps likewise. */
#define VM_ALU(X) \
	X(ADD) X(SUB) X(MUL) X(DIV) X(OR) X(AND) X(LSH) X(RSH) X(MOD) X(XOR) X(MOV) X(ARSH) X(SDIV) X(SMOD)
#define VM_JMP(X) \
	X(JEQ) X(JGT) X(JGE) X(JSET) X(JNE) X(JSGT) X(JSGE) X(JLT) X(JLE) X(JSLT) X(JSLE)
#define VM_ATOMIC(X) \
	X(AADD) X(AOR) X(AAND) X(AXOR) X(FADD) X(FOR) X(FAND) X(FXOR) X(XCHG) X(CMPXCHG)
#define VM_PLAIN(X) \
	X(NEG64) X(NEG32) X(SX64_8) X(SX64_16) X(SX64_32) X(SX32_8) X(SX32_16) \
	X(LE16) X(LE32) X(LE64) X(BE16) X(BE32) X(BE64) X(SWAP16) X(SWAP32) X(SWAP64) \
	X(JA) X(CALL) X(LOCAL) X(TAIL) X(EXIT) X(WIDE) \
	X(LDXB) X(LDXH) X(LDXW) X(LDXDW) X(LDXSB) X(LDXSH) X(LDXSW) \
	X(STB) X(STH) X(STW) X(STDW) X(STXB) X(STXH) X(STXW) X(STXDW) \
	X(ABSB) X(ABSH) X(ABSW) X(INDB) X(INDH) X(INDW) X(NOWHERE)

enum vm_code {
#define X4(name) VM_##name##64K, VM_##name##64X, VM_##name##32K, VM_##name##32X,
#define X2(name) VM_##name##64, VM_##name##32,
#define X1(name) VM_##name,
#define XP(name) VM_P##name##64K, VM_P##name##64X, VM_P##name##32K, VM_P##name##32X,
	VM_ALU(X4) VM_ALU(XP) VM_JMP(X4) VM_ATOMIC(X2) VM_PLAIN(X1)
#undef X4
#undef X2
#undef X1
#undef XP
	VM_N_CODES
};

struct vm_op {
	const void *go;       /* the label that does it */
	u8 dst, src;
	u16 code;             /* enum vm_code, of the instruction by itself */
	s32 off;              /* of memory; of a jump: bytes to the target; of a helper call: its id */
	union {
		s64 imm;      /* sign-extended as the instruction wants it */
		vm_helper_fn fn;
	};
};

struct vm_prog {
	struct isa_insn *insns;
	u32 n;
	bool lenient, mem_context;
	struct vm_op *fast, *careful;     /* n + 1 each; the last one is NOWHERE */
	struct maps_map **maps;
	u32 n_maps;
	void **native;        /* two, see vm_prog_native() */
	struct vm_helper *extra;
	u32 n_extra;
};

/* The labels of a loop by enum vm_code. */
const void *const *vm_labels(bool careful);

/* ---- threads ------------------------------------------------------------------------------------ */

enum vm_region_kind { VM_REGION_MEM, VM_REGION_RECORD, VM_REGION_MAP };
/* Memory that helpers gave to the program, for the checked mode. */
struct vm_region { u64 lo, hi; bool can_write; u8 kind; };

struct vm_frame {
	const struct vm_prog *prog;
	const struct vm_op *ret;
	u64 saved[4];
};

struct vm_thread {
	/* of one run */
	const struct vm_prog *prog;
	u64 left;             /* instructions that may still run */
	int fault;            /* negative errno once the run has to end */
	u32 depth, tails;
	bool checked, careful;
	void *ctx;
	u32 ctx_size;
	struct { u32 insn; u64 addr, size; const char *what; } stray;
	struct vm_region *regions;        /* sorted by lo */
	u32 n_regions, cap_regions;

	/* of its life */
	struct maps_thread maps;
	u8 *stack;            /* VM_STACK_BYTES between guard pages */
	void *mapping;
	size_t mapped;
	u64 random;
	bool has_task;
	struct vm_task task;
	struct vm_packet packet;
	struct vm_site site;
	const struct vm_ops *ops;
	int retval;
	void *task_object;    /* what get_current_task_btf gives: TASK_BYTES of zeroes, or NULL */
	u64 cgroups[VM_CGROUP_LEVELS];    /* of process `cgroups_of`, from the root on */
	u32 n_cgroups, cgroups_of;
	vm_print_fn print;
	void *print_arg;
	vm_callback_fn callback;
	void *host;
	struct vm_frame frames[VM_FRAMES];
};

static inline u64 vm_stack_top(const struct vm_thread *t)
{
	return (u64)(uintptr_t)t->stack + VM_STACK_BYTES;
}

/* The interpreter's way to call a function of the running program. */
u64 vm_run_callback(struct vm_thread *t, u64 func, u64 a, u64 b, u64 c, u64 d);
/* Reads `n` packet bytes at `off` (negative: SKF_NET_OFF, SKF_LL_OFF), or NULL. */
const u8 *vm_packet_at(const struct vm_thread *t, s32 off, u32 n);

/* ---- the checked mode --------------------------------------------------------------------------- */

/* Whether the program may touch these bytes; if not, the fault is noted. */
bool vm_access(struct vm_thread *t, u64 addr, u64 size, bool is_write);
/* The same for the arguments of a helper, by its row; then what its result opens or closes. */
bool vm_access_args(struct vm_thread *t, u32 id, const u64 r[ISA_N_REGS]);
bool vm_access_result(struct vm_thread *t, u32 id, const u64 args[5], u64 result);
/* Opens memory; false: out of memory, noted as the fault. */
bool vm_access_open(struct vm_thread *t, u64 addr, u64 size, bool can_write, u8 kind);
void vm_access_close(struct vm_thread *t, u64 addr);

/* A dynptr and the memory that it names. */
bool vm_access_dynptr(struct vm_thread *t, u64 addr);

/* ---- helpers ------------------------------------------------------------------------------------ */

enum vm_dynptr_kind { VM_DYNPTR_NULL, VM_DYNPTR_LOCAL, VM_DYNPTR_RECORD, VM_DYNPTR_READ_ONLY };
struct vm_dynptr { u64 data; u32 size, kind; };
void vm_dynptr_set(void *at, u64 data, u32 size, u32 kind);

/* The helpers that are here, each vm_h_NAME. */
#define VM_HELPERS(X) \
	X(map_lookup_elem) X(map_update_elem) X(map_delete_elem) X(map_push_elem) \
	X(map_pop_elem) X(map_peek_elem) X(map_lookup_percpu_elem) X(ringbuf_output) \
	X(ringbuf_reserve) X(ringbuf_submit) X(ringbuf_discard) X(ringbuf_query) \
	X(perf_event_output) X(spin_lock) X(spin_unlock) X(for_each_map_elem) X(loop) \
	X(dynptr_from_mem) X(ringbuf_reserve_dynptr) X(ringbuf_submit_dynptr) \
	X(ringbuf_discard_dynptr) X(dynptr_read) X(dynptr_write) X(dynptr_data) \
	X(skb_load_bytes) X(skb_load_bytes_relative) X(skb_store_bytes) X(xdp_load_bytes) \
	X(xdp_store_bytes) X(xdp_get_buff_len) X(skb_pull_data) X(skb_change_tail) \
	X(skb_change_head) X(xdp_adjust_head) X(xdp_adjust_tail) X(xdp_adjust_meta) \
	X(redirect) X(redirect_peer) X(redirect_neigh) X(csum_diff) X(l3_csum_replace) \
	X(l4_csum_replace) X(csum_update) X(csum_level) X(trace_printk) \
	X(trace_vprintk) X(snprintf) X(probe_read) X(probe_read_str) X(strtol) X(strtoul) \
	X(strncmp) X(get_current_pid_tgid) X(get_current_uid_gid) X(get_current_comm) \
	X(get_current_cgroup_id) X(get_current_ancestor_cgroup_id) X(get_current_task_btf) \
	X(task_storage_get) X(task_storage_delete) X(get_local_storage) X(user_ringbuf_drain) \
	X(send_signal) X(send_signal_thread) X(get_retval) X(set_retval) X(jiffies64) \
	X(get_ns_current_pid_tgid) X(get_func_ip) \
	X(get_attach_cookie) X(get_func_arg_cnt) X(get_func_arg) X(get_func_ret) \
	X(get_stack) X(get_stackid) X(ktime_get_ns) X(ktime_get_boot_ns) X(ktime_get_coarse_ns) \
	X(ktime_get_tai_ns) X(get_smp_processor_id) X(get_numa_node_id) X(get_prandom_u32)
#define VM_HELPER(name) u64 vm_h_##name(struct vm_thread *t, u64 a, u64 b, u64 c, u64 d, u64 e)
#define X(name) VM_HELPER(name);
VM_HELPERS(X)
#undef X
/* The ids of the cgroups that the traced process is in, from the root (level 0) on; how many levels, 0 if unknown. */
u32 vm_cgroups(struct vm_thread *t, const u64 **out_ids);
/* The id of its own cgroup, 0 if unknown. */
u64 vm_cgroup_id(struct vm_thread *t);
/* The thread that is traced, or this one. */
u32 vm_task_tid(const struct vm_thread *t);
/* Reads memory that may not be there; of the traced process when `own` is false. 0 or -EFAULT. */
int vm_read_at(struct vm_thread *t, bool own, void *out, u64 addr, u64 size);
/* The same up to a NUL; returns the bytes with it. */
s64 vm_read_str(struct vm_thread *t, bool own, char *out, u64 addr, u64 size);
/* bpf_snprintf's language. Returns the length of the whole text with its NUL, or -EINVAL. */
s64 vm_format(struct vm_thread *t, char *out, u64 size, const char *fmt, u64 fmt_size,
	      const u64 *args, u32 n_args);

#endif
