/* probes: event names.
 *
 * The grammar of attach points, shared by both languages and the command line; what a point means on a
 * kernel (program type, context, arguments); which points this machine has (listing, matching, near
 * names); tracefs formats; symbols. Reading only: nothing here attaches or needs privileges beyond
 * reading the files.
 */
#ifndef SKEP_PROBES_H
#define SKEP_PROBES_H

#include "base/base.h"
#include "isa/isa.h"
#include "types/types.h"

/* ---- attach points -------------------------------------------------------------------------- */

enum probes_provider {
	PROBES_BEGIN, PROBES_END, PROBES_SELF,
	PROBES_KPROBE, PROBES_KRETPROBE,
	PROBES_FENTRY, PROBES_FEXIT, PROBES_FMOD_RET,
	PROBES_UPROBE, PROBES_URETPROBE, PROBES_USDT,
	PROBES_TRACEPOINT, PROBES_RAW_TRACEPOINT, PROBES_TP_BTF,
	PROBES_KSYSCALL, PROBES_KRETSYSCALL,  /* a system call by its bare name */
	PROBES_PROFILE, PROBES_INTERVAL,
	PROBES_SOFTWARE, PROBES_HARDWARE, PROBES_WATCHPOINT,
	PROBES_ITER, PROBES_LSM,
	PROBES_SOCKET_FILTER, PROBES_XDP, PROBES_TC, PROBES_CGROUP, PROBES_OTHER,
	PROBES_N_PROVIDERS
};

/* One attach point, parsed. Unused parts are empty or 0. Text form (also obj_prog.attach):
 *   BEGIN   kprobe:[MODULE:]FUNC[+OFF]   tracepoint:CATEGORY:EVENT   raw_tracepoint:EVENT
 *   fentry:[MODULE:]FUNC   ksyscall:NAME   uprobe:PATH:SYMBOL[+OFF]   usdt:PATH:[NS:]NAME
 *   interval:UNIT:N   profile:UNIT:N   software:EVENT:COUNT   hardware:EVENT:COUNT
 *   watchpoint:ADDR:LEN:MODE   iter:TYPE   lsm:HOOK   xdp:DEVICE   other:SECTION */
struct probes_point {
	enum probes_provider provider;
	str module;           /* kernel module, tracepoint category, usdt namespace */
	str name;             /* function, event, symbol; may hold wildcards */
	str path;             /* of the binary or object, device, cgroup */
	u64 offset;           /* behind the symbol, or the address */
	u64 amount;           /* interval and profile: nanoseconds; with is_hz: per second;
				 software and hardware: events per sample (0: the default) */
	bool is_hz;
	u32 length;           /* watchpoint */
	str mode;
	struct span span;
};
const char *probes_provider_name(enum probes_provider p);    /* "kprobe" */
/* Parses `text` in skep's and bpftrace's notation (long and short names in any case: `kprobe:`, `k:`,
 * `t:`, `rt:`; a leading "p:" is profile). Mistakes give a sentence in *e. */
int probes_parse(struct arena *a, str text, struct probes_point *out, struct err *e) MUST_CHECK;
/* Parses a libbpf section name: "kprobe/do_exit", "tp/sched/sched_switch", "ksyscall/execve". */
int probes_parse_section(struct arena *a, str section, struct probes_point *out, struct err *e)
	MUST_CHECK;
void probes_print(struct sbuf *out, const struct probes_point *p);
bool probes_has_wildcard(const struct probes_point *p);
/* Program and attach type that a point is loaded as (attach OBJ_NONE-like 0xffffffff if none). */
void probes_types(const struct probes_point *p, u32 *out_prog_type, u32 *out_attach_type);
/* What perf_event_open(2) wants for a software or hardware event: type, config, events per sample.
 * False for other providers. */
bool probes_counter_config(const struct probes_point *p, u32 *out_type, u64 *out_config,
			   u64 *out_period);

/* ---- how a program meets an engine's event --------------------------------------------------- */

/* How the context that the engine delivers is made into the one that the program was written for. The
 * engine chooses (rt_engine.bind), the front end lowers it. */
enum probes_adapt {
	PROBES_NATIVE,        /* the engine's context is the program's */
	/* The program expects pt_regs of the system call's kernel function; the engine delivers raw
	 * tracepoint sys_enter {args[0]: pt_regs *, args[1]: number}. The program runs only for the
	 * numbers in `calls`. First argument register = args[0]. */
	PROBES_SYSCALL_ENTER,
	/* The same for the return: sys_exit {args[0]: pt_regs *, args[1]: result}; the number is in
	 * the pt_regs' orig_ax (x86-64) or syscallno (arm64). Return register = args[1]. */
	PROBES_SYSCALL_EXIT,
	/* pt_regs expected, but the event gives the function's arguments as an array of u64
	 * (fentry, raw tracepoint): argument register i = ctx[arg_from[i]]. */
	PROBES_ARGS_ARRAY,
	/* pt_regs of an inner kernel function expected (do_sys_openat2); sys_enter is delivered for
	 * any of `calls`; call_args say where its arguments come from. */
	PROBES_SYSCALL_EQUIV,
};
struct probes_call {
	u32 nr;
	/* PROBES_SYSCALL_EQUIV: argument i of the expected function is argument args[i] (0…5) of the
	 * call, or the constant (args[i] - PROBES_ARG_CONST) from 6 up, which may be a small negative
	 * number such as AT_FDCWD; PROBES_ARG_NONE: unknown, using it is an error. */
	s32 args[6];
};
/* Adds the calls that come through a function of the kernel to out->calls; false if none is known. */
struct probes_binding;
bool probes_equivalent_calls(struct arena *a, str function, struct probes_binding *out);
bool probes_has_equivalent(str function);                /* by a row of its own */
void probes_equivalent_offer(struct nearest *near);      /* all functions with rows */
#define PROBES_ARG_NONE (-1)
#define PROBES_ARG_CONST 0x1000
struct probes_binding {
	struct probes_point want, at;     /* what was asked for; where it really goes */
	enum probes_adapt adapt;
	vec(struct probes_call) calls;
	s8 arg_from[6];       /* PROBES_ARGS_ARRAY; -1: unknown */
	bool is_fallback;     /* `at` differs from what was asked for: note it, or refuse (strict) */
	str note;             /* "no kprobes in this kernel: runs at raw_tracepoint:sys_enter, …" */
};

/* ---- the machine ---------------------------------------------------------------------------- */

/* Reads facts of the running kernel when first asked and remembers them. One per session. */
struct probes_machine;
struct probes_machine *probes_machine_new(struct arena *a);
void probes_machine_free(struct probes_machine *m);  /* closes its files */
enum probes_feature {
	PROBES_HAS_KPROBES, PROBES_HAS_UPROBES, PROBES_HAS_BTF, PROBES_HAS_TRACEFS, PROBES_HAS_CGROUP2,
	PROBES_HAS_SYSCALL_WRAPPER,       /* __x64_sys_execve rather than sys_execve */
};
bool probes_has(struct probes_machine *m, enum probes_feature f);
u32 probes_kernel_version(struct probes_machine *m);     /* LINUX_VERSION_CODE of uname */
u32 probes_cpus(struct probes_machine *m);               /* possible CPUs */
/* A directory descriptor of tracefs: the mounted one, or (with CAP_SYS_ADMIN) a private detached
 * mount that touches no namespace; negative error with the reason in *e. Owned by the machine. */
int probes_tracefs(struct probes_machine *m, struct err *e);
/* Where cgroup v2 is mounted; empty if it is not. */
str probes_cgroup2(struct probes_machine *m);
/* System calls of this architecture: number of a name (-1 if there is none), and back. */
int probes_syscall_nr(str name);
const char *probes_syscall_name(u32 nr);             /* NULL if there is none */
u32 probes_syscall_limit(void);                      /* one above the highest number */
/* The kernel function of a system call: "__x64_sys_execve". `name` without prefix. */
str probes_syscall_symbol(struct probes_machine *m, struct arena *a, str name);
/* The system call that a kernel function implements ("__x64_sys_execve", "sys_execve"), or empty. */
str probes_syscall_of_symbol(str symbol);
/* pt_regs of this architecture: byte offset of argument i (from 0) in C calls and in system calls,
 * of the return value, instruction pointer, stack pointer, and the system call number. */
struct probes_regs { u16 size, arg[6], sys_arg[6], ret, ip, sp, fp, nr; u8 n_args; };
const struct probes_regs *probes_regs(void);

/* ---- tracepoint formats --------------------------------------------------------------------- */

struct probes_field {
	str type, name;       /* C type as written in the format, "char" for char comm[16] */
	u32 off, size;
	bool is_signed;
	bool is_data_loc;     /* __data_loc: 32-bit offset << 0 | length << 16 */
	u64 count;            /* array length, 0 if none */
};
struct probes_format {
	u32 id;               /* 0: not from this kernel's tracefs, see probes_tracepoint_format() */
	vec(struct probes_field) fields;  /* without common_…, which programs may not read */
	struct arena *a;      /* holds the names; types made of the format stay valid as long */
};
/* The record layout of category:event from tracefs. -SKEP_ENOEVENT if there is none. Where tracefs cannot be read,
 * the events that the user engine has (system calls, process life, signals) have a layout of skep's own. */
int probes_tracepoint_format(struct probes_machine *m, struct arena *a, str category, str event,
			     struct probes_format *out, struct err *e) MUST_CHECK;
/* A layout of skep's own, with the id 0; false if it has none. */
bool probes_builtin_format(struct arena *a, str category, str event, struct probes_format *out);
/* Parses the text of a format file; every malformed text gives -SKEP_EBADFILE. */
int probes_parse_format(struct arena *a, str text, struct probes_format *out, struct err *e)
	MUST_CHECK;
/* The record as a struct type: 8 opaque bytes first, then the fields as C members, __data_loc fields
 * as `u32 data_loc_NAME`. For TRACEPOINT_PROBE and args. `btf` may be NULL: types it would give become
 * integers of the size. */
const struct type *probes_format_type(struct ty_table *t, struct ty_btf *btf,
				      const struct probes_format *f, str name);

/* ---- listing and matching ------------------------------------------------------------------- */

/* A marker (USDT) of a binary: file offsets of its nop and of its counter (0: none), and its arguments as the note
 * spells them ("-4@%edi 8@-16(%rbp)"). Calls `each`, which must not jump, with every place of it until it returns
 * false; an empty provider or name is any. */
struct probes_marker { str provider, name, args; u64 offset, counter; };
int probes_usdt_each(struct arena *a, str path, str provider, str name,
		     bool (*each)(void *arg, const struct probes_marker *m), void *arg, struct err *e)
	MUST_CHECK;

/* Calls `each` with every point of this machine that matches `pattern` ("tracepoint:syscalls:*open*",
 * "kprobe:tcp_*", "*:*" …), sorted within a provider, until it returns false. -SKEP_ENOEVENT when the
 * files of the provider cannot be read (with the reason), 0 otherwise, also with no match. The point's
 * strings live until probes_list returns. A pattern without a colon is a kind of event ("tracepoint") or a
 * name of any kind. Uprobes are listed of one binary: "uprobe:PATH:PATTERN". */
int probes_list(struct probes_machine *m, struct ty_btf *btf, str pattern,
		bool (*each)(void *arg, const struct probes_point *p), void *arg, struct err *e)
	MUST_CHECK;
/* Does this point exist on this machine? 1 yes, 0 no, negative: cannot tell. On 0 the nearest names are
 * offered to `near` (may be NULL; wants p->name). Uprobes have none: see probes_elf_offset. */
int probes_exists(struct probes_machine *m, struct ty_btf *btf, const struct probes_point *p,
		  struct nearest *near);

/* ---- symbols -------------------------------------------------------------------------------- */

/* File offset of a function in an ELF file, for uprobes; dynamic and full symbol tables are searched;
 * -SKEP_ENOEVENT with near names in *e if there is none. */
int probes_elf_offset(str path, str symbol, u64 *out_offset, struct err *e) MUST_CHECK;
/* Calls `each` for all functions of both symbol tables of an ELF file, with where each lies in the file, until it returns
 * false. `name` lives as long as the call. */
struct probes_symbol { str name; u64 offset, size; };
int probes_elf_symbols(struct trap *trap, str path, bool (*each)(void *arg, const struct probes_symbol *s),
		       void *arg, struct err *e) MUST_CHECK;
/* The file that "libc" or "bash" means: a path as it is, a library by the loader's cache, a command by
 * PATH. Empty when there is none. */
str probes_find_binary(struct arena *a, str name);

#endif
