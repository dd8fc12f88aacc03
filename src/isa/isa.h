/* isa: the machine that everything is compiled to.
 *
 * One row per opcode of RFC 9669 (opcodes.def), one row per helper (helpers.def), map type, program
 * type and attach type (kinds.def), each with the kernel release that brought it. On these tables
 * stand the encoder, the decoder, the assembler and the disassembler. Pure data and functions; no
 * state.
 */
#ifndef SKEP_ISA_H
#define SKEP_ISA_H

#include "base/base.h"

/* ---- instructions --------------------------------------------------------------------------- */

/* One 64-bit slot, laid out as the kernel lays it out on a little-endian machine (RFC 9669, 3). A
 * 64-bit immediate load takes two slots; the second has code 0 and holds the upper half in imm. */
struct isa_insn {
	u8 code;
	u8 dst : 4, src : 4;
	s16 off;
	s32 imm;
};
_Static_assert(sizeof(struct isa_insn) == 8, "an instruction slot is eight bytes");

enum isa_reg { ISA_R0, ISA_R1, ISA_R2, ISA_R3, ISA_R4, ISA_R5, ISA_R6, ISA_R7, ISA_R8, ISA_R9,
	       ISA_R10, ISA_N_REGS };
#define ISA_FP ISA_R10
#define ISA_STACK_BYTES 512

/* RFC 9669 table 2: instruction classes. */
enum isa_class { ISA_LD = 0, ISA_LDX = 1, ISA_ST = 2, ISA_STX = 3, ISA_ALU = 4, ISA_JMP = 5,
		 ISA_JMP32 = 6, ISA_ALU64 = 7 };
/* RFC 9669 4.1: arithmetic, in the upper four bits of the code. */
enum isa_alu { ISA_ADD = 0x00, ISA_SUB = 0x10, ISA_MUL = 0x20, ISA_DIV = 0x30, ISA_OR = 0x40,
	       ISA_AND = 0x50, ISA_LSH = 0x60, ISA_RSH = 0x70, ISA_NEG = 0x80, ISA_MOD = 0x90,
	       ISA_XOR = 0xa0, ISA_MOV = 0xb0, ISA_ARSH = 0xc0, ISA_END = 0xd0 };
/* RFC 9669 4.3: jumps. */
enum isa_jmp { ISA_JA = 0x00, ISA_JEQ = 0x10, ISA_JGT = 0x20, ISA_JGE = 0x30, ISA_JSET = 0x40,
	       ISA_JNE = 0x50, ISA_JSGT = 0x60, ISA_JSGE = 0x70, ISA_CALL = 0x80, ISA_EXIT = 0x90,
	       ISA_JLT = 0xa0, ISA_JLE = 0xb0, ISA_JSLT = 0xc0, ISA_JSLE = 0xd0 };
enum isa_src { ISA_K = 0x00, ISA_X = 0x08 };
/* RFC 9669 5: sizes and modes of loads and stores. */
enum isa_size { ISA_W = 0x00, ISA_H = 0x08, ISA_B = 0x10, ISA_DW = 0x18 };
enum isa_mode { ISA_IMM = 0x00, ISA_ABS = 0x20, ISA_IND = 0x40, ISA_MEM = 0x60, ISA_MEMSX = 0x80,
		ISA_ATOMIC = 0xc0 };
/* RFC 9669 5.3: atomics, in imm. */
enum isa_atomic { ISA_ATOMIC_ADD = 0x00, ISA_ATOMIC_OR = 0x40, ISA_ATOMIC_AND = 0x50,
		  ISA_ATOMIC_XOR = 0xa0, ISA_FETCH = 0x01, ISA_XCHG = 0xe1, ISA_CMPXCHG = 0xf1 };
/* RFC 9669 5.4: what a 64-bit immediate is, in src. */
enum isa_pseudo { ISA_IMM64 = 0, ISA_MAP_FD = 1, ISA_MAP_VALUE = 2, ISA_BTF_ID = 3, ISA_FUNC = 4,
		  ISA_MAP_IDX = 5, ISA_MAP_IDX_VALUE = 6 };
/* RFC 9669 4.3.1: what a call calls, in src. */
enum isa_call { ISA_CALL_HELPER = 0, ISA_CALL_LOCAL = 1, ISA_CALL_KFUNC = 2 };

/* Builders: one slot each. */
struct isa_insn isa_alu_imm(bool is64, enum isa_alu op, u8 dst, s32 imm);
struct isa_insn isa_alu_reg(bool is64, enum isa_alu op, u8 dst, u8 src);
struct isa_insn isa_mov_sx(bool is64, u8 dst, u8 src, u8 bits);      /* bits 8, 16, 32 */
struct isa_insn isa_endian(u8 dst, bool to_be, u8 bits);             /* be16…be64, le16…le64 */
struct isa_insn isa_bswap(u8 dst, u8 bits);                          /* bswap16…64 (v4) */
struct isa_insn isa_load(u8 bytes, u8 dst, u8 base, s16 off);        /* bytes 1, 2, 4, 8 */
struct isa_insn isa_load_sx(u8 bytes, u8 dst, u8 base, s16 off);     /* bytes 1, 2, 4 (v4) */
struct isa_insn isa_store(u8 bytes, u8 base, s16 off, u8 src);
struct isa_insn isa_store_imm(u8 bytes, u8 base, s16 off, s32 imm);
struct isa_insn isa_atomic(u8 bytes, s32 op, u8 base, s16 off, u8 src); /* bytes 4, 8 */
struct isa_insn isa_jump(s16 off);
struct isa_insn isa_jump_imm(bool is64, enum isa_jmp op, u8 dst, s32 imm, s16 off);
struct isa_insn isa_jump_reg(bool is64, enum isa_jmp op, u8 dst, u8 src, s16 off);
struct isa_insn isa_call_helper(s32 id);
struct isa_insn isa_call_local(s32 off);
struct isa_insn isa_exit(void);
/* The 64-bit immediate load: writes two slots. */
void isa_ld_imm64(struct isa_insn out[2], u8 dst, u8 pseudo, u64 value);

static inline u8 isa_class(struct isa_insn i) { return i.code & 7; }
static inline u8 isa_op(struct isa_insn i) { return i.code & 0xf0; }
static inline bool isa_is_wide(struct isa_insn i) { return i.code == (ISA_LD | ISA_IMM | ISA_DW); }
u8 isa_bytes(struct isa_insn i);                 /* of a load or store: 1, 2, 4, 8 */

/* One row of the opcode table: a legal combination of code and the fields that select a variant. */
struct isa_opcode {
	u8 code;
	const char *name;     /* "add64_imm": unique, for tests and tables */
	u8 cpu;               /* the instruction set version that brought it: 1…4 */
	u8 operands;          /* enum isa_operands bits */
	s16 off;              /* the fixed `off` where it selects the variant (sdiv, movsx) */
	s32 imm;              /* the fixed `imm` where it does (atomics, byte swap widths) */
	u8 src;               /* the fixed `src` where it does (enum isa_call, enum isa_pseudo) */
};
enum isa_operands { ISA_USES_DST = 1, ISA_USES_SRC = 2, ISA_USES_OFF = 4, ISA_USES_IMM = 8,
		    ISA_FIXED_OFF = 16, ISA_FIXED_IMM = 32, ISA_USES_NEXT = 64,
		    ISA_FIXED_SRC = 128 };
u32 isa_opcode_count(void);
const struct isa_opcode *isa_opcode_at(u32 i);
/* The row for an instruction, or NULL with *out_why set when no legal instruction has these fields
 * (unknown code, a reserved field that is not zero, a register above r10). Slot-local only. */
const struct isa_opcode *isa_decode(struct isa_insn i, const char **out_why);

/* Text in the notation of the kernel's verifier log and of LLVM's BPF assembler:
 * `r1 = 5`, `w2 += r3` `r0 = *(u32 *)(r1 + 16)`, `if r1 s> 5 goto +3`, `call 14`, `exit`.
 * Prints one instruction (`next` is its second slot when wide); without a newline. Helper calls
 * are printed by name: `call bpf_get_current_pid_tgid`. What isa_decode refuses is printed as
 * `.insn code, dst, src, off, imm`. isa_assemble reads back whatever is printed here. */
void isa_print(struct sbuf *out, struct isa_insn i, struct isa_insn next);

/* Assembles a whole text: one instruction a line, `label:` lines, `goto label` or `goto +n`,
 * comments from `;`, `#` or `//` to the line's end. Map references by name (`r1 = map[name]`,
 * `r1 = map_value[name] + off`) are collected in `refs`. Lines with `.section`, `.map` and `.license`
 * are for the caller: `rest` is what follows the name, without the comment. Every mistake is a
 * diagnostic (E_ASM). Returns false if there was any. Each slot's line in `src` is in `spans`. */
struct isa_ref { u32 insn; u8 pseudo; str name; };
struct isa_directive { str name, rest; struct span span; };
struct isa_text {
	vec(struct isa_insn) insns;
	vec(struct span) spans;
	vec(struct isa_ref) refs;
	vec(struct isa_directive) directives;
};
bool isa_assemble(struct arena *a, struct diags *dx, const struct source *src,
		  struct isa_text *out);

/* ---- helpers -------------------------------------------------------------------------------- */

/* What a helper takes and gives. One letter each in helpers.def; the verifier, the type checker of
 * the front ends and the JIT read the same row. */
enum isa_arg {
	ISA_ARG_NONE,
	ISA_ARG_INT,          /* any scalar */
	ISA_ARG_CTX,          /* the program's context */
	ISA_ARG_MAP,          /* a map */
	ISA_ARG_KEY,          /* readable memory of the map's key size */
	ISA_ARG_VALUE,        /* readable memory of the map's value size */
	ISA_ARG_OUT_VALUE,    /* writable memory of the map's value size */
	ISA_ARG_MEM,          /* readable memory; its size is the next argument */
	ISA_ARG_MEM_OR_NULL,
	ISA_ARG_OUT_MEM,      /* writable memory, may be uninitialised; size is the next argument */
	ISA_ARG_SIZE,         /* size in bytes of the memory before it, not 0 */
	ISA_ARG_SIZE_OR_0,
	ISA_ARG_STR,          /* constant string (read-only map value) */
	ISA_ARG_OUT_LONG,     /* pointer to a writable 64-bit integer */
	ISA_ARG_OUT_INT,      /* pointer to a writable 32-bit integer */
	ISA_ARG_ADDR,         /* any address, read by the helper with care: probe reads */
	ISA_ARG_FUNC,         /* a callback */
	ISA_ARG_STACK_OR_NULL,/* pointer to stack, passed to a callback */
	ISA_ARG_SOCK,         /* a socket: struct bpf_sock, sock_common or a BTF sock */
	ISA_ARG_BTF,          /* pointer to a kernel object known by BTF */
	ISA_ARG_RESERVED,     /* memory from ringbuf_reserve */
	ISA_ARG_CONST_SIZE,   /* constant size of what is allocated */
	ISA_ARG_SPIN_LOCK,    /* a struct bpf_spin_lock in a map value */
	ISA_ARG_TIMER,        /* a struct bpf_timer in a map value */
	ISA_ARG_KPTR,         /* pointer to a kptr slot in a map value */
	ISA_ARG_DYNPTR,       /* an initialised dynptr */
	ISA_ARG_OUT_DYNPTR,   /* an uninitialised dynptr on the stack */
	ISA_ARG_PERCPU_BTF,   /* pointer to a per-CPU kernel variable */
	ISA_ARG_VALUE_OR_NULL,/* readable memory of the map's value size, or NULL */
	ISA_ARG_OUT_MEM_OR_NULL,
	ISA_ARG_MEM20,        /* 20 readable bytes: an IPv4 or TCP header without options */
	ISA_ARG_MEM40,        /* 40 readable bytes: an IPv6 header */
};
enum isa_ret {
	ISA_RET_VOID,
	ISA_RET_INT,          /* a scalar */
	ISA_RET_VALUE_OR_NULL,/* map value or NULL */
	ISA_RET_MEM_OR_NULL,  /* allocated memory or NULL */
	ISA_RET_SOCK_OR_NULL,
	ISA_RET_BTF,          /* kernel object, may be read directly */
	ISA_RET_BTF_OR_NULL,
	ISA_RET_TASK_ADDR,    /* address of a kernel object as a scalar: read with probe reads */
	ISA_RET_NEVER,        /* tail_call: does not return when it succeeds */
	ISA_RET_VALUE,        /* map value, never NULL */
	ISA_RET_TCP_SOCK_OR_NULL, /* struct bpf_tcp_sock */
};
enum isa_helper_flags {
	ISA_GPL = 1,          /* the kernel wants a GPL-compatible licence */
	ISA_ACQUIRES = 2,     /* its result must be released */
	ISA_RELEASES = 4,     /* releases its first referenced argument */
	ISA_MOVES_PACKET = 8, /* packet pointers are invalid afterwards */
	ISA_SLEEPABLE = 16,   /* only in sleepable programs */
	ISA_VARIADIC = 32,    /* scalars may follow the arguments of the row (trace_printk) */
};
/* ISA_FN_map_lookup_elem = 1, … */
enum isa_helper_id {
#define HELPER(id, name, ret, a1, a2, a3, a4, a5, flags, since) ISA_FN_##name = (id),
#include "isa/helpers.def"
#undef HELPER
};
struct isa_helper {
	u32 id;
	const char *name;     /* without "bpf_" */
	enum isa_ret ret;
	enum isa_arg args[5];
	u32 flags;
	u16 since;            /* kernel release, major << 8 | minor */
};
u32 isa_helper_count(void);                      /* ids are 1 … count */
const struct isa_helper *isa_helper(u32 id);     /* NULL if unknown */
/* By name, with or without "bpf_"; NULL if unknown. */
const struct isa_helper *isa_helper_named(str name);
u32 isa_helper_args(const struct isa_helper *h); /* how many arguments */

/* ---- kinds: maps, programs, attachments ------------------------------------------------------ */

enum isa_map_type {
#define MAP_TYPE(name, number, lower, since, text) ISA_MAP_##name = (number),
#define PROG_TYPE(name, number, lower, since, text)
#define ATTACH_TYPE(name, number, lower, since, text)
#include "isa/kinds.def"
#undef MAP_TYPE
#undef PROG_TYPE
#undef ATTACH_TYPE
};
enum isa_prog_type {
#define MAP_TYPE(name, number, lower, since, text)
#define PROG_TYPE(name, number, lower, since, text) ISA_PROG_##name = (number),
#define ATTACH_TYPE(name, number, lower, since, text)
#include "isa/kinds.def"
#undef MAP_TYPE
#undef PROG_TYPE
#undef ATTACH_TYPE
};
enum isa_attach_type {
#define MAP_TYPE(name, number, lower, since, text)
#define PROG_TYPE(name, number, lower, since, text)
#define ATTACH_TYPE(name, number, lower, since, text) ISA_ATTACH_##name = (number),
#include "isa/kinds.def"
#undef MAP_TYPE
#undef PROG_TYPE
#undef ATTACH_TYPE
};

struct isa_kind { u32 number; const char *name; u16 since; const char *text; };
const struct isa_kind *isa_map_kind(u32 number);     /* NULL if unknown */
const struct isa_kind *isa_prog_kind(u32 number);
const struct isa_kind *isa_attach_kind(u32 number);
/* By lower-case name ("percpu_hash", "raw_tracepoint"); NULL if unknown. */
const struct isa_kind *isa_map_kind_named(str name);
const struct isa_kind *isa_prog_kind_named(str name);
bool isa_map_is_percpu(u32 map_type);

/* The section names that libbpf knows (SEC("…")): prefix, program type, attach type. */
struct isa_section {
	const char *prefix;   /* "kprobe", "tp_btf", "xdp.frags" */
	u32 prog, attach;     /* attach 0xffffffff where the type has none */
	u32 flags;            /* enum isa_section_flags */
};
enum isa_section_flags { ISA_SEC_TARGET = 1 /* may be followed by /target */,
			 ISA_SEC_NEEDS_BTF = 2, ISA_SEC_SLEEPS = 4, ISA_SEC_EXACT = 8,
			 ISA_SEC_FRAGS = 16 /* XDP on packets in several buffers */ };
u32 isa_section_count(void);
const struct isa_section *isa_section_at(u32 i);
/* The row whose prefix matches `section` ("kprobe/do_exit"), longest first; NULL if none. The part
 * behind the slash is returned in *out_target (empty when there is none). A leading `?` (libbpf's
 * mark for programs that are not loaded unless asked) is skipped. */
const struct isa_section *isa_section_match(str section, str *out_target);

/* Fields of the contexts that are plain structs of a program type, for BPF code that names them by
 * offset: struct __sk_buff, xdp_md, bpf_sock_addr, … A row is one readable field. */
struct isa_ctx_field { const char *name; u16 off, size; bool writable; u8 kind; };
struct isa_ctx { const char *name; u16 size; const struct isa_ctx_field *fields; u32 n; };
enum isa_ctx_kind { ISA_CTX_SCALAR, ISA_CTX_PACKET, ISA_CTX_PACKET_META, ISA_CTX_PACKET_END,
		    ISA_CTX_SOCK, ISA_CTX_ARG, ISA_CTX_FLOW_KEYS /* struct bpf_flow_keys */ };
/* NULL for program types whose context is described by BTF or registers alone. */
const struct isa_ctx *isa_ctx_of(u32 prog_type);

#endif
