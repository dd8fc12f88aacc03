/* vm: the interpreter and the helper functions of the user engine.
 *
 * A vm_prog is a program that was verified, with its maps and helpers bound: immutable, so that any number of
 * threads run it at once, each with a vm_thread of its own (stack, slot, random state, traced process).
 * The checked mode is a policy of the same loop: every access is held against the memory that the program may
 * touch, and a stray one ends the run.
 */
#ifndef SKEP_VM_H
#define SKEP_VM_H

#include "base/base.h"
#include "isa/isa.h"
#include "maps/maps.h"
#include "obj/obj.h"

struct vm_prog;
struct vm_thread;

/* A helper function: five registers in, one out. `t` tells who calls. */
typedef u64 (*vm_helper_fn)(struct vm_thread *t, u64 a, u64 b, u64 c, u64 d, u64 e);
struct vm_helper { u32 id; vm_helper_fn fn; };
/* The built-in helper of an id, or NULL with the reason why user space cannot give it (*out_why). */
vm_helper_fn vm_helper_builtin(u32 id, const char **out_why);
/* For verification: why this engine cannot give a helper, or NULL if it can. Helpers that an embedding program adds
 * (vm_spec.extra) are not in this table and go before it. */
const char *vm_helper_refusal(u32 id);

struct vm_spec {
	const struct isa_insn *insns;     /* linked: calls between functions resolved; copied */
	u32 n;
	struct maps_map *const *maps;     /* ISA_MAP_FD/ISA_MAP_IDX imm indexes this list */
	u32 n_maps;
	const struct vm_helper *extra;    /* helpers of the embedding program, by id */
	u32 n_extra;
	bool lenient;         /* unverified code of the conformance suite: shift counts masked, checked mode on */
	bool mem_context;     /* verified for plain memory (verify_input.mem_size): r2 starts as ctx_size */
};
int vm_prog_new(const struct vm_spec *spec, struct vm_prog **out, struct err *e) MUST_CHECK;
void vm_prog_free(struct vm_prog *p);

/* What one thread needs to run programs. `slot`: of per-CPU maps. */
struct vm_thread *vm_thread_new(u32 slot);           /* NULL: out of memory */
void vm_thread_free(struct vm_thread *t);

/* How helpers reach what only the engine that runs the programs can reach: its traced process, its clock. A function
 * that is NULL, or no table at all, leaves it to what vm_task and vm_site say and to this machine. They may ask
 * vm_thread_host(). The table is not copied. */
struct vm_ops {
	/* Reads memory of the traced process; how many bytes came, 0 or a negative errno if none. */
	s64 (*read)(struct vm_thread *t, void *out, u64 addr, u64 size);
	/* The user stack from the inside out, the traced place first; how many addresses. */
	u32 (*stack)(struct vm_thread *t, u64 *out, u32 most);
	/* Nanoseconds of a clock (CLOCK_MONOTONIC, CLOCK_BOOTTIME, …): recordings have their own time. */
	u64 (*time)(struct vm_thread *t, int clock);
	/* Sends a signal to the traced process, or to the very thread. 0 or a negative errno. */
	int (*signal)(struct vm_thread *t, u32 number, bool is_thread);
};
void vm_thread_ops(struct vm_thread *t, const struct vm_ops *ops);

/* How helpers that ask about the traced process are answered; zero: about this process. */
struct vm_task { u32 tid, tgid, uid, gid; char comm[16]; int mem_fd; u64 cgroup; };
void vm_thread_task(struct vm_thread *t, const struct vm_task *task);

/* The packet that legacy loads, skb_load_bytes and xdp_load_bytes see, and that checked mode lets a program touch
 * directly. NULL data: there is none. A program reads 32-bit data pointers from its context, so a packet for direct
 * access lies below 4 GiB (mmap with MAP_32BIT). */
struct vm_packet {
	u8 *data;
	u32 size;
	u32 net_off;          /* where the network header starts */
	bool read_only;
	u32 redirect;         /* what bpf_redirect returns: TC_ACT_REDIRECT or XDP_REDIRECT */
	u64 target;           /* out: what it was called with */
	/* Bytes before and behind the packet that helpers may take into it (skb_change_tail, xdp_adjust_head, …) and, of
	 * those before it, how many the program has as metadata (xdp_adjust_meta). They move `data` and `size` of the
	 * thread's copy and, as `view` says, the fields of the context, which must be whole. */
	u32 head_room, tail_room, meta;
	u32 view;             /* enum vm_packet_view */
};
enum vm_packet_view { VM_VIEW_NONE /* helpers that resize fail */, VM_VIEW_SKB /* struct __sk_buff */,
		      VM_VIEW_XDP /* struct xdp_md */ };
void vm_thread_packet(struct vm_thread *t, const struct vm_packet *packet);
const struct vm_packet *vm_thread_get_packet(const struct vm_thread *t);

/* Where the traced process is: for get_func_ip, get_func_arg (the context is `n_args` 64-bit arguments, then the return
 * value), get_attach_cookie and user stacks (frame pointers). */
struct vm_site { u64 ip, sp, fp, cookie; u32 n_args; };
void vm_thread_site(struct vm_thread *t, const struct vm_site *site);

/* Something of the engine that runs the programs, for its own helpers (vm_spec.extra). */
void vm_thread_set_host(struct vm_thread *t, void *host);
void *vm_thread_host(const struct vm_thread *t);

/* What bpf_get_retval and bpf_set_retval see. */
void vm_thread_set_retval(struct vm_thread *t, int retval);
int vm_thread_retval(const struct vm_thread *t);

/* Takes what trace_printk writes; without one it is dropped. `text` is not terminated. */
typedef void (*vm_print_fn)(void *arg, const char *text, u32 n);
void vm_thread_print(struct vm_thread *t, vm_print_fn fn, void *arg);

struct vm_limits {
	u64 budget;           /* instructions; 0: no limit */
	bool checked;         /* hold every access against what the program may touch */
};
/* Runs on a context of `ctx_size` bytes (readable and writable in checked mode). 0 with the result in *out, or
 * -ETIME (budget), -EFAULT (a stray access in checked mode; *e says which), -ELOOP (calls nested too deep).
 * A lenient program starts with r2 = ctx_size and is always checked. Entries of program arrays are vm_progs. */
int vm_run(const struct vm_prog *p, struct vm_thread *t, void *ctx, u32 ctx_size,
	   const struct vm_limits *limits, u64 *out, struct err *e) MUST_CHECK;

/* ---- for the JIT ---------------------------------------------------------------------------- */

/* The program as pre-decoded operations is private; the JIT reads the bound instructions: helper calls hold their
 * id for vm_prog_helper(), wide loads of maps and map values the address (src stays, to tell what it is), callbacks
 * (ISA_FUNC) the distance to the function as they came. Helper 12 (tail_call) is the engine's own: vm_prog_helper()
 * answers NULL. */
const struct isa_insn *vm_prog_insns(const struct vm_prog *p, u32 *out_n);
vm_helper_fn vm_prog_helper(const struct vm_prog *p, u32 id);
struct maps_map *vm_prog_map(const struct vm_prog *p, u32 index);
u32 vm_prog_maps(const struct vm_prog *p);
/* Helpers that call back (loop, for_each_map_elem) hand the value of an ISA_FUNC load to the engine that runs. The
 * interpreter's value is the function's instruction index. Returns the engine before; NULL is the interpreter. */
typedef u64 (*vm_callback_fn)(struct vm_thread *t, u64 func, u64 a, u64 b, u64 c, u64 d);
vm_callback_fn vm_thread_callback(struct vm_thread *t, vm_callback_fn fn);
/* The instructions that may still run (vm_run sets it; other engines may count it down), and the negative errno that
 * ends a run: helpers stop calling back when it is set. */
u64 *vm_thread_budget(struct vm_thread *t);
int *vm_thread_fault(struct vm_thread *t);
/* The tail calls of the run so far; 33 are the most. */
u32 *vm_thread_tails(struct vm_thread *t);
/* How far into a thread these lie, for generated code; `slot` is the u32 of vm_thread_new(). */
struct vm_thread_places { u32 budget, fault, tails, slot; };
extern const struct vm_thread_places vm_thread_places;
/* Where native code goes on that tail calls this program: code that counts instructions, or code that does not; NULL:
 * there is none. Any thread may ask at any time. */
void vm_prog_set_native(const struct vm_prog *p, bool counts, void *code);
void *vm_prog_native(const struct vm_prog *p, bool counts);
/* Goes on with a program in the interpreter, inside a run of native code: with its count of tail calls and, if `counts`,
 * its budget. A fault is left in the thread; the result is then 0. */
u64 vm_run_inside(const struct vm_prog *p, struct vm_thread *t, void *ctx, bool counts);
/* The stack of a thread: `depth` frames of 512 bytes, guard pages around them. */
void *vm_thread_stack(struct vm_thread *t, u32 *out_bytes);

#endif
