/* type_data: what types there are, how large their values are, and C's types among them.
 *
 * C's integers, pointers, enums, structs and arrays become types of the language; arrays of char
 * become strings. A struct that is only known by its tag is completed when somebody looks into it:
 * by the script's C part, then by the kernel's BTF, which is opened no earlier.
 */
#include "btfront/ast.h"
#include "cfront/cfront.h"

struct bt_type bt_int(u32 bytes, bool is_signed)
{
	return (struct bt_type){ .kind = BT_INT, .bytes = (u8)bytes, .is_signed = is_signed };
}

/* 0.17 has no booleans: truth is an integer. */
struct bt_type bt_bool(const struct bt_unit *u)
{
	struct bt_type t = bt_int(8, true);

	if (!u->config.is_old)
		t.is_bool = true;
	return t;
}

struct bt_type bt_string(u32 bytes)
{
	return (struct bt_type){ .kind = BT_STRING, .size = (u32)round_up(bytes ? bytes : 1, 8) };
}

struct bt_type bt_pointer(const struct type *to, u8 region)
{
	return (struct bt_type){ .kind = BT_PTR, .bytes = 8, .c = to, .region = region };
}

bool bt_is_number(const struct bt_type *t)
{
	return t->kind == BT_INT || t->kind == BT_PTR;
}

bool bt_is_scalar(const struct bt_type *t)
{
	return t->kind >= BT_INT && t->kind <= BT_CGROUP_PATH;
}

u32 bt_size(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_STRING:
	case BT_BUFFER: return t->size;
	case BT_INET: return 24;
	case BT_USYM: return 16;
	case BT_TUPLE: return t->tuple->size;
	case BT_STRUCT:
	case BT_ARRAY: return (u32)round_up(t->c->size, 8);
	default: return 8;
	}
}

struct bt_type bt_tuple_of(struct arena *a, const struct bt_type *types, const str *names, u32 n)
{
	struct bt_tuple *t = arena_new_of(a, struct bt_tuple);

	t->n = n;
	t->types = arena_array_of(a, struct bt_type, n + 1);
	t->offs = arena_array_of(a, u32, n + 1);
	for (u32 i = 0; i < n; i++) {
		t->types[i] = types[i];
		t->offs[i] = t->size;
		t->size += bt_size(&types[i]);
	}
	if (names) {
		t->names = arena_array_of(a, str, n + 1);
		for (u32 i = 0; i < n; i++)
			t->names[i] = names[i];
	}
	return (struct bt_type){ .kind = BT_TUPLE, .tuple = t };
}

static bool same_tuple(const struct bt_tuple *a, const struct bt_tuple *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->n != b->n || !a->names != !b->names)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (!bt_same_type(&a->types[i], &b->types[i]) ||
		    (a->names && !str_eq(a->names[i], b->names[i])))
			return false;
	return true;
}

bool bt_same_type(const struct bt_type *a, const struct bt_type *b)
{
	return a->kind == b->kind && a->bytes == b->bytes && a->is_signed == b->is_signed &&
	       a->is_literal == b->is_literal && a->is_bool == b->is_bool &&
	       a->region == b->region && a->agg == b->agg && a->size == b->size && a->c == b->c &&
	       same_tuple(a->tuple, b->tuple);
}

const char *bt_show_name(enum obj_show s)
{
	static const char *const names[] = {
		[OBJ_SHOW_COUNT] = "count", [OBJ_SHOW_SUM] = "sum",	[OBJ_SHOW_MIN] = "min",
		[OBJ_SHOW_MAX] = "max",	    [OBJ_SHOW_AVG] = "avg",	[OBJ_SHOW_STATS] = "stats",
		[OBJ_SHOW_HIST] = "hist",   [OBJ_SHOW_LHIST] = "lhist",
	};

	return (u32)s < ARRAY_LEN(names) && names[s] ? names[s] : "value";
}

const char *bt_type_name(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_INT:
		return t->is_bool		       ? "a truth value"
		       : t->is_signed || t->is_literal ? "an integer"
						       : "an unsigned integer";
	case BT_PTR: return "a pointer";
	case BT_STRING: return "a string";
	case BT_ARGS: return "the event's arguments";
	case BT_AGG: return bt_show_name((enum obj_show)t->agg);
	case BT_VOID: return "no value";
	case BT_KSYM:
	case BT_USYM: return "a symbol";
	case BT_KSTACK:
	case BT_USTACK: return "a stack";
	case BT_MAC: return "a MAC address";
	case BT_INET: return "an internet address";
	case BT_USERNAME: return "a user's name";
	case BT_TIMESTAMP: return "a time";
	case BT_CGROUP_PATH: return "a cgroup's path";
	case BT_STRERROR:
	case BT_SYSCALL: return "a name";
	case BT_BUFFER: return "a buffer";
	case BT_TUPLE: return t->tuple && t->tuple->names ? "a record" : "a tuple";
	case BT_STRUCT: return "a struct";
	case BT_ARRAY: return "an array";
	default: return "a value of unknown type";
	}
}

/* Signed unless both are unsigned; literals follow the other side. */
bool bt_is_signed_pair(const struct bt_type *a, const struct bt_type *b)
{
	bool a_unsigned = !a->is_signed && !a->is_literal,
	     b_unsigned = !b->is_signed && !b->is_literal;

	if (a->is_literal && b->is_literal)
		return true;
	return !((a_unsigned || a->is_literal) && (b_unsigned || b->is_literal));
}

static bool fold_binary(enum bt_tok_kind op, s64 a, s64 b, s64 *out)
{
	switch (op) {
	case T_ADD: *out = (s64)((u64)a + (u64)b); return true;
	case T_SUB: *out = (s64)((u64)a - (u64)b); return true;
	case T_MUL: *out = (s64)((u64)a * (u64)b); return true;
	case T_DIV:
		if (b && b != -1)
			*out = a / b;
		return b && b != -1;
	case T_MOD:
		if (b && b != -1)
			*out = a % b;
		return b && b != -1;
	case T_SHL: *out = (s64)((u64)a << (b & 63)); return true;
	case T_SHR: *out = (s64)((u64)a >> (b & 63)); return true;
	case T_AND: *out = a & b; return true;
	case T_OR: *out = a | b; return true;
	case T_XOR: *out = a ^ b; return true;
	case T_EQ: *out = a == b; return true;
	case T_NE: *out = a != b; return true;
	case T_LT: *out = a < b; return true;
	case T_LE: *out = a <= b; return true;
	case T_GT: *out = a > b; return true;
	case T_GE: *out = a >= b; return true;
	case T_ANDAND: *out = a && b; return true;
	case T_OROR: *out = a || b; return true;
	default: return false;
	}
}

/* Trees are at most BT_MAX_DEPTH deep. */
bool bt_const_value(const struct bt_expr *e, s64 *out)
{
	s64 a, b;

	if (e->kind == EX_INT) {
		*out = (s64)e->value;
		return true;
	}
	if (e->kind == EX_UNARY && bt_const_value(e->a, &a)) {
		*out = e->op == T_SUB ? (s64)(0 - (u64)a) : e->op == T_TILDE ? ~a : !a;
		return e->op == T_SUB || e->op == T_TILDE || e->op == T_NOT;
	}
	return e->kind == EX_BINARY && bt_const_value(e->a, &a) && bt_const_value(e->b, &b) &&
	       fold_binary(e->op, a, b, out);
}

/* ---- C's types ------------------------------------------------------------------------------- */

static struct bt_type from_array(const struct type *ty, u8 region)
{
	const struct type *elem = ty_strip(ty->to);

	if (ty->count == TY_UNSIZED || !ty_complete(ty) || ty->size > INT32_MAX / 2)
		return bt_pointer(ty->to, region);
	if (elem->kind == TY_INT && elem->is_char && elem->size == 1 && ty->count &&
	    !str_is(elem->name, "unsigned char"))
		return bt_string((u32)ty->count);
	return (struct bt_type){ .kind = BT_ARRAY, .c = ty, .region = region };
}

struct bt_type bt_from_c(const struct type *ty, u8 region)
{
	const struct type *plain = ty_strip(ty);
	struct bt_type t = { .kind = BT_BAD };

	switch (plain->kind) {
	case TY_INT:
	case TY_ENUM:
		if (!ty_complete(plain) || plain->size > 8)
			break;
		t = bt_int((u32)plain->size, ty_signed(plain));
		t.is_bool = plain->is_bool;
		t.c = plain->kind == TY_ENUM ? plain : NULL;
		/* A number may be an address: of the memory that it was read from. */
		t.region = plain->size == 8 && region != IR_IN_STACK ? region : (u8)IR_IN_UNKNOWN;
		break;
	case TY_PTR:
		if (region == IR_IN_STACK || region == IR_IN_CTX)
			region = IR_IN_ANY;
		t = bt_pointer(plain->to, plain->space == TY_SPACE_USER ? (u8)IR_IN_USER : region);
		t.is_percpu = plain->space == TY_SPACE_PERCPU;
		break;
	case TY_ARRAY: return from_array(plain, region);
	case TY_STRUCT:
	case TY_UNION: return (struct bt_type){ .kind = BT_STRUCT, .c = plain, .region = region };
	default: break;
	}
	return t;
}

struct ty_btf *bt_btf(struct bt_unit *u)
{
	return u->o.btf ? u->o.btf(u->o.btf_arg) : NULL;
}

const struct type *bt_complete(struct bt_unit *u, const struct type *ty)
{
	const struct type *plain = ty_strip(ty), *found = NULL;

	if (ty_complete(plain))
		return plain;
	if (!plain->name.n)
		return NULL;
	if (u->c)
		found = cf_find_type(u->c, plain->kind, plain->name);
	if (!found && bt_btf(u))
		found = ty_btf_find(bt_btf(u), plain->kind, plain->name);
	return found && ty_complete(found) ? ty_strip(found) : NULL;
}

/* ---- registers ------------------------------------------------------------------------------- */

/* pt_regs in the order of its words (Linux arch/x86/include/uapi/asm/ptrace.h, arm64 likewise). */
int bt_register_offset(str name)
{
#ifdef __x86_64__
	static const char *const names[] = { "r15", "r14",     "r13", "r12", "bp",    "bx", "r11",
					     "r10", "r9",      "r8",  "ax",  "cx",    "dx", "si",
					     "di",  "orig_ax", "ip",  "cs",  "flags", "sp", "ss" };
#else
	static const char *const names[] = { "r0",  "r1",  "r2",  "r3",	 "r4",	"r5",	 "r6",
					     "r7",  "r8",  "r9",  "r10", "r11", "r12",	 "r13",
					     "r14", "r15", "r16", "r17", "r18", "r19",	 "r20",
					     "r21", "r22", "r23", "r24", "r25", "r26",	 "r27",
					     "r28", "r29", "r30", "sp",	 "pc",	"pstate" };
#endif

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return (int)(8 * i);
	return -1;
}
