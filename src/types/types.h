/* types: the one type model of both languages.
 *
 * C types with the layout of the target (LP64, little or big endian as the host), printing in C
 * syntax, reading from BTF (lazily: a type is built when it is first named) and writing to BTF.
 * CO-RE matching comes here too.
 *
 * Types are immutable once complete and live in the arena of their table; equal derived types made
 * through one table are the same pointer.
 */
#ifndef SKEP_TYPES_H
#define SKEP_TYPES_H

#include "base/base.h"

enum ty_kind {
	TY_VOID,
	TY_INT,               /* all integers, char and _Bool */
	TY_FLOAT,             /* exists in BTF; the front ends refuse to compute with it */
	TY_PTR,
	TY_ARRAY,
	TY_STRUCT,
	TY_UNION,
	TY_ENUM,
	TY_FUNC,
	TY_TYPEDEF,
};
enum ty_quals { TY_CONST = 1, TY_VOLATILE = 2, TY_RESTRICT = 4 };
/* What a pointer may point into, when its type says so (__user, __rcu, __percpu, __kptr). */
enum ty_space { TY_SPACE_NONE, TY_SPACE_USER, TY_SPACE_RCU, TY_SPACE_PERCPU, TY_SPACE_KPTR };

struct type;
struct ty_member {
	str name;             /* empty: anonymous struct/union or unnamed bit-field */
	const struct type *type;
	u32 bit_off;          /* from the start of the aggregate */
	u32 bits;             /* width of a bit-field, else 0; an unnamed integer with 0 bits is a
			       * zero-width bit-field */
	/* What the program asks for, before the layout: at least `align` bytes, at most `most` (0: no wish), and
	 * whether this member alone is packed. */
	u16 align, most;
	bool packed;
};
struct ty_param { str name; const struct type *type; };
struct ty_enumerator { str name; s64 value; };

struct type {
	enum ty_kind kind;
	u8 quals;             /* enum ty_quals */
	u8 space;             /* enum ty_space, pointers only */
	bool is_signed;       /* integers and enums */
	bool is_bool, is_char;
	bool complete;        /* size and alignment are known; ask ty_complete(), which also builds
			       * what a lazily read type lacks, before reading any of this */
	bool packed;
	bool variadic;        /* functions */
	u32 align;            /* bytes */
	u64 size;             /* bytes; of void and functions 1 as in GNU C */
	str name;             /* tag, typedef name, or spelling of a basic type; may be empty */
	const struct type *to;/* pointee, element, aliased type, return type; enum: its integer type */
	const struct type *plain; /* the same type without qualifiers (itself if none) */
	u64 count;            /* array length; TY_UNSIZED for [] */
	const struct ty_member *members;
	const struct ty_param *params;
	const struct ty_enumerator *enumerators;
	u32 n;                /* members, parameters or enumerators */
	u32 btf_id;           /* id in the source BTF; 0 if the program defined it, and of basic and
			       * derived types */
	struct ty_btf *btf;   /* where btf_id counts, or NULL */
	struct span span;     /* where the program defined it */
};
#define TY_UNSIZED (~0ull)

/* ---- the table ------------------------------------------------------------------------------ */

/* Owns types and makes derived ones unique. */
struct ty_table;
struct ty_table *ty_table_new(struct arena *a);

enum ty_basic { TY_B_VOID, TY_B_BOOL, TY_B_CHAR, TY_B_SCHAR, TY_B_UCHAR, TY_B_SHORT, TY_B_USHORT,
		TY_B_INT, TY_B_UINT, TY_B_LONG, TY_B_ULONG, TY_B_LLONG, TY_B_ULLONG, TY_B_INT128,
		TY_B_UINT128, TY_B_FLOAT, TY_B_DOUBLE, TY_N_BASIC };
const struct type *ty_basic(struct ty_table *t, enum ty_basic b);
/* The basic integer of a size (1, 2, 4, 8, 16) and signedness. */
const struct type *ty_int_of(struct ty_table *t, u32 bytes, bool is_signed);
const struct type *ty_ptr_to(struct ty_table *t, const struct type *to);
const struct type *ty_ptr_in(struct ty_table *t, const struct type *to, enum ty_space space);
const struct type *ty_array_of(struct ty_table *t, const struct type *elem, u64 count);
const struct type *ty_func_of(struct ty_table *t, const struct type *ret,
			      const struct ty_param *params, u32 n, bool variadic);
const struct type *ty_qualify(struct ty_table *t, const struct type *ty, u8 quals);
const struct type *ty_typedef_new(struct ty_table *t, str name, const struct type *to);

/* A new, incomplete struct, union or enum with this tag; each call makes a distinct type. */
struct type *ty_tagged_new(struct ty_table *t, enum ty_kind kind, str tag, struct span at);
/* Lays out members by the C rules of the psABI (bit-fields included) and completes the type.
 * `m` comes with bit_off unset; `packed` removes padding, `align` (0: none) raises alignment.
 * An aggregate of 512 MB or more stays incomplete: say so to the user. */
void ty_layout(struct ty_table *t, struct type *agg, const struct ty_member *m, u32 n, bool packed,
	       u32 align);
void ty_enum_finish(struct ty_table *t, struct type *en, const struct ty_enumerator *e, u32 n);

/* ---- asking --------------------------------------------------------------------------------- */

/* The type behind typedefs, qualifiers kept where they add up. */
const struct type *ty_strip(const struct type *ty);
/* Builds what a lazily read type still lacks (members, size). True if it is complete now. */
bool ty_complete(const struct type *ty);
bool ty_is_int(const struct type *ty);           /* integers and enums, behind typedefs */
bool ty_is_scalar(const struct type *ty);        /* integers and pointers */
bool ty_is_ptr(const struct type *ty);
bool ty_is_aggregate(const struct type *ty);     /* struct or union */
bool ty_is_void(const struct type *ty);
bool ty_signed(const struct type *ty);
/* Same type for C's compatibility rules, qualifiers of the top level aside (C11 6.2.7). */
bool ty_same(const struct type *a, const struct type *b);
/* Finds a member, also inside anonymous members. On success *out_bit_off is from the start of
 * `agg`; NULL if there is none. Completes `agg`. */
const struct ty_member *ty_find_member(const struct type *agg, str name, u32 *out_bit_off);
/* Offers every member name to `n`, for "did you mean". */
void ty_offer_members(const struct type *agg, struct nearest *n);

/* C syntax: `struct sock *`, `char [16]`; with a name, a declaration: `char comm[16]`. */
void ty_print(struct sbuf *out, const struct type *ty);
void ty_print_decl(struct sbuf *out, const struct type *ty, str name);
/* A full definition: `struct x {\n\tu32 pid;\n…};`, one member a line with `// off size`. */
void ty_print_def(struct sbuf *out, const struct type *ty);

/* ---- BTF in --------------------------------------------------------------------------------- */

/* A BTF blob being read. Names are looked up through an index that is built once, on the first
 * lookup; members are decoded only for types that are asked for. */
struct ty_btf;
/* The running kernel's BTF (/sys/kernel/btf/vmlinux, or `path` when not NULL). 0, -SKEP_ENOBTF with
 * a reason, or another negative error. The file is mapped where the kernel allows it. */
int ty_btf_open(struct ty_table *t, const char *path, struct ty_btf **out, struct err *e)
	MUST_CHECK;
/* A blob in memory that outlives the result (a test's, or a .BTF section). Every offset and length is
 * checked; a malformed blob gives -SKEP_EBADFILE. */
int ty_btf_parse(struct ty_table *t, const void *bytes, size_t size, struct ty_btf **out,
		 struct err *e) MUST_CHECK;
/* Names of types read from it are views of the blob: no such type may be used after this. */
void ty_btf_close(struct ty_btf *b);
/* The type of this tag or name: kind TY_STRUCT, TY_UNION, TY_ENUM, TY_TYPEDEF, TY_INT, TY_FUNC.
 * NULL if there is none. A definition is preferred to a forward declaration. */
const struct type *ty_btf_find(struct ty_btf *b, enum ty_kind kind, str name);
/* The value of an enumerator of any enum; false if no enum has it. *out_enum may be NULL. */
bool ty_btf_enumerator(struct ty_btf *b, str name, s64 *out_value, const struct type **out_enum);
const struct type *ty_btf_by_id(struct ty_btf *b, u32 id);
/* Offers every name of a kind that could be meant. */
void ty_btf_offer(struct ty_btf *b, enum ty_kind kind, struct nearest *n);
/* Calls `each` for all names of a kind until it returns false (for listing). */
void ty_btf_each(struct ty_btf *b, enum ty_kind kind,
		 bool (*each)(void *arg, str name, u32 id), void *arg);

/* ---- BTF out -------------------------------------------------------------------------------- */

/* Builds the BTF of a program: types with what they need, functions, variables, data sections. */
struct ty_out;
struct ty_out *ty_out_new(struct arena *a);
u32 ty_out_string(struct ty_out *o, str s);      /* offset in the string section */
u32 ty_out_type(struct ty_out *o, const struct type *ty);     /* id; 0 is void */
enum ty_linkage { TY_STATIC = 0, TY_GLOBAL = 1, TY_EXTERN = 2 };
u32 ty_out_func(struct ty_out *o, str name, const struct type *proto, enum ty_linkage linkage);
u32 ty_out_var(struct ty_out *o, str name, const struct type *ty, enum ty_linkage linkage);
struct ty_out_item { u32 var, off, size; };
u32 ty_out_section(struct ty_out *o, str name, u32 size, const struct ty_out_item *items, u32 n);
/* The finished blob, header included; lives in the arena given at the start. */
str ty_out_finish(struct ty_out *o);

#endif
