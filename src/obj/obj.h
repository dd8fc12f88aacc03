/* obj: the blueprint. Compile time meets run time only here.
 *
 * Programs, maps, data sections, types, relocations, line information, and the plan of what to do
 * with each event. Pure data in an arena: no kernel, no file descriptors. Front ends fill maps, data
 * and plan; gen adds the code; engines read it all. ELF in and out is here too.
 */
#ifndef SKEP_OBJ_H
#define SKEP_OBJ_H

#include "base/base.h"
#include "isa/isa.h"
#include "types/types.h"

#define OBJ_NONE 0xffffffffu

/* ---- maps and data -------------------------------------------------------------------------- */

/* How the entries of a map are shown to the user. */
enum obj_show {
	OBJ_SHOW_NONE,        /* internal, or nothing to show */
	OBJ_SHOW_TABLE,       /* BCC or libbpf map: key and value by their types */
	OBJ_SHOW_VALUE,       /* bpftrace @x = …: last value */
	OBJ_SHOW_COUNT,       /* bpftrace aggregations; per-CPU parts are combined when read */
	OBJ_SHOW_SUM,
	OBJ_SHOW_MIN,
	OBJ_SHOW_MAX,
	OBJ_SHOW_AVG,
	OBJ_SHOW_STATS,
	OBJ_SHOW_HIST,
	OBJ_SHOW_LHIST,
	OBJ_SHOW_LOG2,        /* BPF_HISTOGRAM: the key, or its last member, is a power of two; a picture for each
			       * value of the other members */
	OBJ_SHOW_STACKS,      /* addresses, the innermost first, up to the first 0 */
};
/* OBJ_SHOW_HIST with lhist[0] = k: 2^k buckets for each power of two. Bucket 0: below 0; then n < 2^k
 * is bucket n + 1; else with e = log2(n) and the k bits below the highest as f: 1 + ((e - k + 1) << k) + f. */

/* What an entry of a map of maps or of programs holds from the start: a map, or a program by the name of its
 * function. */
struct obj_slot { u32 index, map; str prog; };
struct obj_map {
	str name;             /* as the user wrote it: "counter_table", "@", "@bytes" */
	u32 type;             /* enum isa_map_type */
	u32 key_size, value_size, max_entries, flags;
	const struct type *key, *value;   /* for BTF and printing; may be NULL */
	u32 inner;            /* index of the inner map's template, or OBJ_NONE */
	u32 data;             /* index of the data section that it holds, or OBJ_NONE */
	str pin;              /* path to pin to, or empty */
	enum obj_show show;
	bool is_scalar;       /* bpftrace @x without key: one entry with key 0 */
	vec(struct obj_field) keys;       /* OBJ_SHOW_… but TABLE: the parts of the key */
	struct obj_field *shown_value;    /* … and the value */
	s64 lhist[3];         /* OBJ_SHOW_LHIST: min, max, step */
	vec(struct obj_slot) slots;
	u64 extra;            /* map_extra: of a bloom filter the number of its hash functions */
	struct span span;
};

enum obj_data_kind { OBJ_RODATA, OBJ_DATA, OBJ_BSS };
struct obj_var { str name; const struct type *type; u32 off, size; bool is_static; struct span span; };
struct obj_data {
	str name;             /* ".rodata", ".data", ".bss", ".rodata.str1.1" … */
	enum obj_data_kind kind;
	u32 size;
	u8 *bytes;            /* NULL for OBJ_BSS */
	vec(struct obj_var) vars;
	u32 map;              /* the array map that holds it at run time */
};

/* ---- the plan: what to do with events ------------------------------------------------------- */

/* One value inside a record, key or value: where it is and how it is printed. */
enum obj_field_kind {
	OBJ_F_INT, OBJ_F_UINT, OBJ_F_PTR,
	OBJ_F_STR,            /* NUL-terminated within `size` bytes */
	OBJ_F_BYTES, OBJ_F_BOOL, OBJ_F_ENUM,
	OBJ_F_KSYM,           /* u64 address */
	OBJ_F_USYM,           /* u64 address, u32 tgid, 4 bytes of padding */
	OBJ_F_KSTACK,         /* s32 id in the stack map `map`, u32 tgid; `extra`: "" or "perf", "raw" */
	OBJ_F_USTACK,         /* the same */
	OBJ_F_INET,           /* u64 AF_INET or AF_INET6, 16 bytes of address */
	OBJ_F_MAC,            /* 6 bytes */
	OBJ_F_USERNAME,       /* a user id */
	OBJ_F_TIMESTAMP,      /* u64 nanoseconds since boot; `extra`: a format of strftime */
	OBJ_F_CGROUP_PATH,    /* u64 cgroup id; `extra`: a pattern of hierarchies, empty for all */
	OBJ_F_STRERROR,       /* an error number */
	OBJ_F_SYSCALL_NAME,   /* a system call's number */
	OBJ_F_TUPLE, OBJ_F_STRUCT, OBJ_F_ARRAY,    /* `parts`; without parts, a C object of `type` */
	OBJ_F_BUFFER,         /* u64 length, then the bytes */
};
struct obj_field {
	str name;             /* of a struct's member, else empty */
	enum obj_field_kind kind;
	u32 off, size;
	const struct type *type;          /* may be NULL */
	vec(struct obj_field) parts;
	str extra;            /* strftime format, stack mode, … */
	u32 map;              /* stacks: where they lie */
};

/* What a record in the event ring asks for. */
enum obj_event_kind {
	OBJ_EV_TRACE,         /* bpf_trace_printk: head, then arguments */
	OBJ_EV_PRINTF,        /* bpftrace printf */
	OBJ_EV_EXIT,          /* exit(): stop; argument 0, if any, is the exit code */
	OBJ_EV_PRINT,         /* print(@m, top, div): map */
	OBJ_EV_CLEAR, OBJ_EV_ZERO,
	OBJ_EV_TIME,          /* format is strftime's */
	OBJ_EV_JOIN,          /* strings, up to the first empty one; `format` between them */
	OBJ_EV_CAT,           /* the file whose path `format` and the arguments make */
	OBJ_EV_SYSTEM,        /* the same: a command for the shell */
	OBJ_EV_PRINT_VALUE,   /* print(expr): one argument */
	OBJ_EV_ERROR, OBJ_EV_WARNING,     /* errorf(), warnf(): as printf */
	OBJ_EV_TEXT,          /* text of an iterator, as it is */
	OBJ_EV_OUTPUT,        /* what came out of `map` (a perf event array, a ring buffer): struct obj_record,
			       * written by the engine, and the bytes; args[0], if known, is their type. A
			       * map may have several of these: the largest that fits is meant */
};
struct obj_event {
	enum obj_event_kind kind;
	str format;           /* printf-like, escapes already decoded */
	vec(struct obj_field) args;       /* in the record, offsets from its start */
	u32 map;              /* OBJ_NONE or the map that it is about */
	u32 size;             /* bytes of the whole record */
	u32 top, div;         /* OBJ_EV_PRINT: the last so many entries (0: all); numbers divided */
	struct span span;
};

/* Every record starts with this; `event` indexes obj.events. */
struct obj_record { u32 event; u32 cpu; };
/* OBJ_EV_TRACE records start with this instead: who, where and when (CLOCK_MONOTONIC). */
struct obj_trace_record { u32 event; u32 cpu; u64 ns; u32 tid, tgid; char comm[16]; };
_Static_assert(sizeof(struct obj_trace_record) == 40, "no padding: the program writes it");

/* ---- code ----------------------------------------------------------------------------------- */

enum obj_reloc_kind {
	OBJ_R_MAP,            /* wide load: map `index` */
	OBJ_R_DATA,           /* wide load: address `add` in data section `index` */
	OBJ_R_CALL,           /* call of function `index` */
	OBJ_R_FUNC,           /* wide load: function `index` as callback */
	OBJ_R_CONST,          /* wide load: the engine's constant `name` (OBJ_CONST_…) */
	OBJ_R_KFUNC,          /* call of kernel function `name` */
	OBJ_R_KVAR,           /* wide load: address of kernel variable `name` */
};
struct obj_reloc { u32 insn; enum obj_reloc_kind kind; u32 index; s64 add; str name; };

/* Constants that only the engine knows, when it loads. */
#define OBJ_CONST_CGROUP_ID "skep.cgroup_id"         /* of the traced command's cgroup */
#define OBJ_CONST_CGROUP_LEVEL "skep.cgroup_level"   /* its depth below the root */

/* An OBJ_R_KFUNC whose name begins so is no function, but a member ("struct.member") that this kernel's
 * struct lacks: a program that still has it cannot be loaded. */
#define OBJ_MISSING "skep.missing."

/* The first instruction of a piece of source. */
struct obj_line { u32 insn; struct span span; };

struct obj_func {
	str name;
	const struct type *proto;         /* TY_FUNC; may be NULL */
	bool is_global;
	struct isa_insn *insns;
	u32 n;
	vec(struct obj_reloc) relocs;
	vec(struct obj_line) lines;       /* by ascending insn; the first is insn 0 */
	u32 stack;            /* bytes of stack used */
	struct span span;
};

struct obj_prog {
	str name;             /* of the function, cut to 15 bytes for the kernel by engines */
	str section;          /* "kprobe/do_exit": as libbpf would write it; for ELF */
	str attach;           /* canonical attach point, probes' text form: "kprobe:do_exit" */
	u32 func;             /* index of its code in funcs; OBJ_NONE until gen has run */
	u32 prog_type;        /* enum isa_prog_type */
	u32 attach_type;      /* enum isa_attach_type, OBJ_NONE if the type has none */
	str btf_target;       /* fentry, tp_btf, lsm, iter: the kernel function or type, else empty */
	bool sleepable;
	bool disabled;        /* SEC("?…"): not loaded unless asked for */
	struct span span;
};

struct obj {
	struct arena *a;
	struct sources *ss;               /* where spans point; may be NULL for objects read from ELF */
	vec(struct obj_map) maps;
	vec(struct obj_data) datas;
	vec(struct obj_func) funcs;
	vec(struct obj_prog) progs;
	vec(struct obj_event) events;
	u32 ring;             /* map of the event ring, OBJ_NONE if no event is sent */
	u32 lost;             /* per-CPU array of what was lost, by cause: OBJ_LOST_…; OBJ_NONE if nothing
				 can be */
	str license;          /* "GPL" */
	u32 kern_version;     /* LINUX_VERSION_CODE that was compiled against; 0 if unknown */
};
struct obj *obj_new(struct arena *a, struct sources *ss);
u32 obj_map_add(struct obj *o, str name, u32 type, u32 key_size, u32 value_size, u32 max_entries);
u32 obj_map_find(const struct obj *o, str name);     /* OBJ_NONE if absent */
/* The data section of a kind, made with its map when new (.rodata is read-only to the program). */
u32 obj_data_section(struct obj *o, enum obj_data_kind kind);
/* Appends `size` bytes (zero if NULL) at an alignment; returns the offset. */
u32 obj_data_add(struct obj *o, u32 data, str name, const struct type *type, const void *bytes,
		 u32 size, u32 align);
/* The event ring and the lost counter, made at the first call. `bytes`: a power of two of pages. */
u32 obj_ring(struct obj *o, u32 bytes);

/* The counters of losses, made at the first call. */
u32 obj_lost(struct obj *o);
#define OBJ_LOST_RECORDS 0            /* element: records that did not fit into the ring */
#define OBJ_LOST_UPDATES(map) (1 + (map)) /* element: updates refused because that map was full */
#define OBJ_N_LOST 64                 /* elements; what lies beyond is not counted */

/* Text of everything, for `skep dump --stage obj`; deterministic. With `code`, instructions too, and
 * the source line before the instructions that it gave (`--stage bpf`). */
void obj_print(struct sbuf *out, const struct obj *o, bool code);

/* ---- linking -------------------------------------------------------------------------------- */

/* A program with every function that it reaches, laid out one behind another, ready to load:
 * calls between them are resolved, the other relocations are listed for the engine. */
struct obj_image {
	struct isa_insn *insns;
	u32 n;
	vec(struct obj_reloc) relocs;     /* insn counts from the image's start; no OBJ_R_CALL */
	vec(struct obj_part) parts;       /* by ascending insn */
};
struct obj_part { u32 insn; u32 func; };
int obj_link(struct arena *a, const struct obj *o, u32 prog, struct obj_image *out,
	     struct err *e) MUST_CHECK;

/* BTF for the whole object and the func_info and line_info of an image, in the kernel's formats
 * (Documentation/bpf/btf.rst): 8 and 16 bytes a record. Empty when nothing is known. */
struct obj_debug { str btf; str func_info; str line_info; };
/* Types of maps' keys and values in the BTF: 0 when unknown. */
struct obj_btf_ids { u32 key, value; };
struct obj_btf { struct ty_out *out; struct obj_btf_ids *maps; u32 *funcs; str blob; };
/* One BTF for an object; `out` is filled in the arena. */
void obj_btf_build(struct arena *a, const struct obj *o, struct obj_btf *out);
/* Writes the records of an image against that BTF. Call for every image before using out->blob:
 * lines add strings. */
void obj_debug_build(struct arena *a, const struct obj *o, const struct obj_image *image,
		     struct obj_btf *btf, str *out_func_info, str *out_line_info);
str obj_btf_blob(struct obj_btf *btf);

/* The source of an instruction of an image: the span of the last line record at or before it. */
struct span obj_span_at(const struct obj *o, const struct obj_image *image, u32 insn);

/* ---- ELF ------------------------------------------------------------------------------------ */

/* Writes a relocatable BPF object that libbpf and bpftool load: code sections by `section`, .text for
 * subprograms, .maps, data sections, license, .BTF, .BTF.ext, relocations. */
int obj_write_elf(struct arena *a, const struct obj *o, str *out_bytes, struct err *e) MUST_CHECK;
/* What reading needs beside the file. */
struct obj_elf_options {
	struct ty_table *types;
	struct sources *ss;   /* gets the lines that the file's line records quote; NULL: spans stay unknown */
	str name;             /* of the file */
	/* The kernel's types, for CO-RE relocations; asked for when the first is met. */
	struct ty_btf *(*btf)(void *arg);
	void *btf_arg;
	u32 kern_version;     /* what LINUX_KERNEL_VERSION is */
};
/* Reads one (BTF-defined maps and the legacy `maps` section), as clang and skep write them, and adapts it to the kernel's
 * types. -SKEP_EBADFILE with a reason for anything malformed: every offset is checked. `bytes` must live as long as
 * the result. */
int obj_read_elf(struct arena *a, const struct obj_elf_options *o, str bytes, struct obj **out,
		 struct err *e) MUST_CHECK;

#endif
