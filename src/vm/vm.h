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

struct vm_spec {
	const struct isa_insn *insns;     /* linked: calls between functions resolved; copied */
	u32 n;
	struct maps_map *const *maps;     /* ISA_MAP_FD/ISA_MAP_IDX imm indexes this list */
	u32 n_maps;
	const struct vm_helper *extra;    /* helpers of the embedding program, by id */
	u32 n_extra;
	bool lenient;         /* unverified code of the conformance suite: shift counts masked, checked mode on */
};
int vm_prog_new(const struct vm_spec *spec, struct vm_prog **out, struct err *e) MUST_CHECK;
void vm_prog_free(struct vm_prog *p);

/* What one thread needs to run programs. `slot`: of per-CPU maps. */
struct vm_thread *vm_thread_new(u32 slot);           /* NULL: out of memory */
void vm_thread_free(struct vm_thread *t);

/* How helpers that ask about the traced process are answered; zero: about this process. */
struct vm_task { u32 tid, tgid, uid, gid; char comm[16]; int mem_fd; u64 cgroup; };
void vm_thread_task(struct vm_thread *t, const struct vm_task *task);

struct vm_limits {
	u64 budget;           /* instructions; 0: no limit */
	bool checked;         /* hold every access against what the program may touch */
};
/* Runs on a context of `ctx_size` bytes (readable and writable in checked mode). 0 with the result in *out, or
 * -ETIME (budget), -EFAULT (a stray access in checked mode; *e says which). */
int vm_run(const struct vm_prog *p, struct vm_thread *t, void *ctx, u32 ctx_size,
	   const struct vm_limits *limits, u64 *out, struct err *e) MUST_CHECK;

/* ---- for the JIT ---------------------------------------------------------------------------- */

/* The program as pre-decoded operations is private; the JIT reads the bound instructions: helper calls hold their
 * index in vm_prog_helper(), wide loads of maps the map's address. */
const struct isa_insn *vm_prog_insns(const struct vm_prog *p, u32 *out_n);
vm_helper_fn vm_prog_helper(const struct vm_prog *p, u32 id);
struct maps_map *vm_prog_map(const struct vm_prog *p, u32 index);
u32 vm_prog_maps(const struct vm_prog *p);
/* The stack of a thread: `depth` frames of 512 bytes, guard pages around them. */
void *vm_thread_stack(struct vm_thread *t, u32 *out_bytes);

#endif
