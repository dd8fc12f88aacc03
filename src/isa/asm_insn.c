/* One line of assembly to one instruction: a recursive descent over the words of the line.
 *
 *     insn    = reg '=' value | reg op '=' operand | [lock] '*' cast '(' reg off ')' op operand
 *             | 'if' reg cmp operand 'goto' target | 'goto' target | 'gotol' target
 *             | 'call' callee | 'exit' | '.insn' numbers
 *     target  = label | ['pc'] ('+' | '-') number
 *
 * Both LLVM's notation and that of the kernel's log are read (`cmpxchg_64(r1 + 0, …)` and
 * `atomic64_cmpxchg((u64 *)(r1 +0), …)`). A parser returns false once a diagnostic was given; the
 * line is then given up. Numbers are checked against the width that the machine gives them: nothing
 * is cut off or sign-extended to a value that was not written.
 */
#include "isa/asm.h"

#include <inttypes.h>

struct reg {
	u8 n;
	bool is64;
	struct span span;
};
struct mem {
	u8 base;
	s16 off;
};
struct cast {
	u8 bytes;
	bool is_signed;
	struct span span;
};

/* ---- tokens ---------------------------------------------------------------------------------- */

static void advance(struct assembler *as)
{
	as->last = as->tok.span;
	as->tok = isa_asm_token(as);
}

static bool is(const struct assembler *as, const char *text)
{
	return (as->tok.kind == TOK_SIGN || as->tok.kind == TOK_NAME) && str_is(as->tok.text, text);
}

static bool accept(struct assembler *as, const char *text)
{
	if (!is(as, text))
		return false;
	advance(as);
	return true;
}

/* "expected X, found Y" at the token looked at. */
static bool wanted(struct assembler *as, const char *what)
{
	if (as->tok.kind == TOK_BAD)
		return false;
	if (as->tok.kind == TOK_END)
		diag_add(as->dx, as->tok.span, E_ASM, "expected %s before the end of the line",
			 what);
	else
		diag_add(as->dx, as->tok.span, E_ASM, "expected %s, found '" STR_FMT "'", what,
			 STR_ARG(as->tok.text));
	return false;
}

static bool expect(struct assembler *as, const char *text)
{
	char what[16] = { '\'' };
	u32 n = 0;

	if (accept(as, text))
		return true;
	for (; text[n]; n++)
		what[n + 1] = text[n];
	what[n + 1] = '\'';
	return wanted(as, what);
}

/* ---- registers, numbers, addresses ----------------------------------------------------------- */

/* Whether a name is r or w and a number. */
static bool looks_like_reg(const struct assembler *as)
{
	str t = as->tok.text;

	if (as->tok.kind != TOK_NAME || t.n < 2 || t.n > 3 || (t.s[0] != 'r' && t.s[0] != 'w'))
		return false;
	for (u32 i = 1; i < t.n; i++)
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
	return true;
}

static bool parse_reg(struct assembler *as, struct reg *out)
{
	str t = as->tok.text;
	u32 n = 0;

	if (!looks_like_reg(as))
		return wanted(as, "a register");
	for (u32 i = 1; i < t.n; i++)
		n = n * 10 + (u32)(t.s[i] - '0');
	if (n >= ISA_N_REGS || (t.n == 3 && t.s[1] == '0')) {
		diag_add(as->dx, as->tok.span, E_ASM, "there is no register '" STR_FMT "'",
			 STR_ARG(t));
		diag_hint(as->dx,
			  "the registers are r0 to r10, or w0 to w10 for their lower halves");
		return false;
	}
	*out = (struct reg){ .n = (u8)n, .is64 = t.s[0] == 'r', .span = as->tok.span };
	advance(as);
	return true;
}

static bool same_width(struct assembler *as, struct reg a, struct reg b)
{
	if (a.is64 == b.is64)
		return true;
	diag_add(as->dx, span_join(a.span, b.span), E_ASM,
		 "r and w registers cannot be mixed in one operation");
	return false;
}

/* A whole register, for addresses and byte swaps. */
static bool parse_wide_reg(struct assembler *as, struct reg *out, const char *what)
{
	if (!parse_reg(as, out))
		return false;
	if (out->is64)
		return true;
	diag_add(as->dx, out->span, E_ASM, "%s needs a whole register: r%u instead of w%u", what,
		 out->n, out->n);
	return false;
}

/* A number with its sign, kept apart so that all of 64 bits fit. */
struct number {
	bool minus;
	u64 value;
	struct span span;
};

static bool parse_number(struct assembler *as, struct number *out)
{
	*out = (struct number){ .span = as->tok.span };
	if (is(as, "-") || is(as, "+")) {
		out->minus = is(as, "-");
		advance(as);
	}
	if (as->tok.kind != TOK_NUMBER)
		return wanted(as, "a number");
	out->value = as->tok.value;
	out->span = span_join(out->span, as->tok.span);
	advance(as);
	return true;
}

/* Whether the number is in -min … max. */
static bool in_range(struct number n, u64 min, u64 max)
{
	return n.minus ? n.value <= min : n.value <= max;
}

static s64 signed_value(struct number n)
{
	return (s64)(n.minus ? 0 - n.value : n.value);
}

/* A 32-bit immediate. `is64` where the machine extends its sign to 64 bits. */
static bool to_imm(struct assembler *as, struct number n, bool is64, s32 *out)
{
	u64 max = is64 ? INT32_MAX : UINT32_MAX;

	if (in_range(n, (u64)INT32_MAX + 1, max)) {
		*out = (s32)(u32)signed_value(n);
		return true;
	}
	diag_add(as->dx, n.span, E_ASM, "'" STR_FMT "' does not fit into an immediate of 32 bits",
		 STR_ARG(sources_text(as->dx->ss, n.span)));
	if (is64 && in_range(n, 0, UINT32_MAX))
		diag_hint(as->dx,
			  "its sign would be extended to 64 bits; load it into a register with "
			  "'rN = %" PRIu64 " ll'",
			  n.value);
	else
		diag_hint(as->dx, "load it into a register with 'rN = NUMBER ll'");
	return false;
}

static bool parse_imm(struct assembler *as, bool is64, s32 *out)
{
	struct number n;

	return parse_number(as, &n) && to_imm(as, n, is64, out);
}

static bool parse_range(struct assembler *as, const char *what, u64 min, u64 max, s64 *out)
{
	struct number n;

	if (!parse_number(as, &n))
		return false;
	*out = signed_value(n);
	if (in_range(n, min, max))
		return true;
	diag_add(as->dx, n.span, E_ASM, "%s must be between %" PRId64 " and %" PRIu64, what,
		 -(s64)min, max);
	return false;
}

/* `+ 8`, `- 8`, `+ -8` or nothing. */
static bool parse_off(struct assembler *as, s16 *out)
{
	struct span at = as->tok.span;
	bool minus = is(as, "-");
	struct number n;

	*out = 0;
	if (!is(as, "+") && !minus)
		return true;
	advance(as);
	if (!parse_number(as, &n))
		return false;
	n.minus ^= minus;
	if (!in_range(n, 32768, 32767)) {
		diag_add(as->dx, span_join(at, n.span), E_ASM,
			 "an offset must be between -32768 and 32767");
		return false;
	}
	*out = (s16)signed_value(n);
	return true;
}

/* `r1 + 8` */
static bool parse_address(struct assembler *as, struct mem *out)
{
	struct reg base;

	if (!parse_wide_reg(as, &base, "an address"))
		return false;
	out->base = base.n;
	return parse_off(as, &out->off);
}

/* `(u32 *)` */
static bool parse_cast(struct assembler *as, struct cast *out)
{
	static const struct {
		const char *name;
		u8 bytes;
		bool is_signed;
	} types[] = {
		{ "u8", 1, false }, { "u16", 2, false }, { "u32", 4, false }, { "u64", 8, false },
		{ "s8", 1, true },  { "s16", 2, true },	 { "s32", 4, true },  { "s64", 8, true },
	};

	if (!expect(as, "("))
		return false;
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		if (!is(as, types[i].name))
			continue;
		*out = (struct cast){ types[i].bytes, types[i].is_signed, as->tok.span };
		advance(as);
		return expect(as, "*") && expect(as, ")");
	}
	return wanted(as, "u8, u16, u32, u64, s8, s16 or s32");
}

/* ---- emitting ---------------------------------------------------------------------------------
 */

static bool emit(struct assembler *as, struct isa_insn i)
{
	*vec_push(as->a, &as->out->insns) = i;
	vec_push(as->a, &as->out->spans);
	return true;
}

static bool emit_wide(struct assembler *as, u8 dst, u8 pseudo, u64 value)
{
	struct isa_insn pair[2];

	isa_ld_imm64(pair, dst, pseudo, value);
	return emit(as, pair[0]) && emit(as, pair[1]);
}

/* Remembers that the next instruction needs the place of the name looked at. */
static void fix_later(struct assembler *as, enum fix_kind kind)
{
	*vec_push(as->a, &as->fixes) =
		(struct fix){ kind, as->out->insns.n, as->tok.text, as->tok.span };
	advance(as);
}

/* ---- right-hand sides --------------------------------------------------------------------------
 */

/* Behind `r1 = map[`: a file descriptor, an index, or a name for whoever loads the program. */
static bool parse_map(struct assembler *as, struct reg dst, bool is_value)
{
	u8 pseudo = is_value ? ISA_MAP_VALUE : ISA_MAP_FD;
	str name = as->tok.text;
	s32 number = 0, off = 0;

	if (as->tok.kind != TOK_NAME)
		return wanted(as, "a map: its name, fd:NUMBER or idx:NUMBER");
	advance(as);
	if (accept(as, ":")) {
		bool by_idx = str_is(name, "idx");

		if (!by_idx && !str_is(name, "fd")) {
			diag_add(as->dx, as->last, E_ASM,
				 "only fd: and idx: may stand before a map's number");
			return false;
		}
		if (by_idx)
			pseudo = is_value ? ISA_MAP_IDX_VALUE : ISA_MAP_IDX;
		if (!parse_imm(as, true, &number))
			return false;
		name.n = 0;
	}
	if (!expect(as, "]"))
		return false;
	if (is_value && (is(as, "+") || is(as, "-"))) {
		bool minus = is(as, "-");
		struct number n;

		advance(as);
		if (!parse_number(as, &n))
			return false;
		n.minus ^= minus;
		if (!to_imm(as, n, false, &off))
			return false;
	}
	if (name.n)
		*vec_push(as->a, &as->out->refs) =
			(struct isa_ref){ as->out->insns.n, pseudo, name };
	return emit_wide(as, dst.n, pseudo, (u64)(u32)off << 32 | (u32)number);
}

/* Behind `btf_id[` and `kfunc[`: `300]` or `300, fd:4]`. */
static bool parse_id(struct assembler *as, s32 *out_id, s32 *out_fd)
{
	*out_fd = 0;
	if (!parse_imm(as, true, out_id))
		return false;
	if (accept(as, ",")) {
		if (!expect(as, "fd") || !expect(as, ":") || !parse_imm(as, true, out_fd))
			return false;
	}
	return expect(as, "]");
}

static bool parse_btf_id(struct assembler *as, struct reg dst)
{
	s32 id, fd;

	return parse_id(as, &id, &fd) &&
	       emit_wide(as, dst.n, ISA_BTF_ID, (u64)(u32)fd << 32 | (u32)id);
}

/* Where a jump or call goes: a number in *out, or a name that is left for later. */
static bool parse_target(struct assembler *as, enum fix_kind kind, s32 *out)
{
	bool has_pc = is(as, "pc");
	struct token first = as->tok;

	*out = 0;
	if (has_pc) {
		advance(as);
		if (!is(as, "+") && !is(as, "-")) {
			/* a label of that name */
			*vec_push(as->a, &as->fixes) =
				(struct fix){ kind, as->out->insns.n, first.text, first.span };
			return true;
		}
	}
	if (is(as, "+") || is(as, "-")) {
		s64 n;

		if (!parse_range(as, "a distance", kind == FIX_OFF ? 32768 : (u64)INT32_MAX + 1,
				 kind == FIX_OFF ? 32767 : INT32_MAX, &n))
			return false;
		*out = (s32)n;
		return true;
	}
	if (as->tok.kind == TOK_NAME) {
		fix_later(as, kind);
		return true;
	}
	wanted(as, "a label or a distance");
	if (as->tok.kind == TOK_NUMBER)
		diag_hint(as->dx,
			  "a distance has a sign: '+" STR_FMT "' skips as many instructions",
			  STR_ARG(as->tok.text));
	return false;
}

static bool parse_func(struct assembler *as, struct reg dst)
{
	s32 off;

	return parse_target(as, FIX_IMM, &off) && expect(as, "]") &&
	       emit_wide(as, dst.n, ISA_FUNC, (u32)off);
}

/* Behind `skb`: `[12]`, `[r1]` or `[r1 + 4]`. */
static bool parse_packet(struct assembler *as, struct reg dst, struct cast cast)
{
	struct isa_insn i = { .code = ISA_LD };
	struct reg index;

	if (cast.is_signed || cast.bytes == 8) {
		diag_add(as->dx, cast.span, E_ASM, "a packet is read by u8, u16 or u32");
		return false;
	}
	if (dst.n != ISA_R0 || !dst.is64) {
		diag_add(as->dx, dst.span, E_ASM, "what is read from a packet goes to r0");
		return false;
	}
	i.code |= cast.bytes == 1 ? ISA_B : cast.bytes == 2 ? ISA_H : ISA_W;
	if (!expect(as, "["))
		return false;
	if (!looks_like_reg(as)) {
		i.code |= ISA_ABS;
		return parse_imm(as, true, &i.imm) && expect(as, "]") && emit(as, i);
	}
	if (!parse_wide_reg(as, &index, "an index"))
		return false;
	i.code |= ISA_IND;
	i.src = index.n & 15;
	if ((is(as, "+") || is(as, "-")) && !parse_imm(as, true, &i.imm))
		return false;
	return expect(as, "]") && emit(as, i);
}

/* Behind `r1 = *`. */
static bool parse_load(struct assembler *as, struct reg dst)
{
	struct cast cast;
	struct mem m;

	if (!parse_cast(as, &cast))
		return false;
	if (accept(as, "skb"))
		return parse_packet(as, dst, cast);
	if (cast.is_signed && cast.bytes == 8) {
		diag_add(as->dx, cast.span, E_ASM,
			 "a load of 8 bytes has no sign to extend: use u64");
		return false;
	}
	if (!dst.is64 && (cast.is_signed || cast.bytes == 8)) {
		diag_add(as->dx, dst.span, E_ASM, "this load fills a whole register: r%u", dst.n);
		return false;
	}
	if (!expect(as, "(") || !parse_address(as, &m) || !expect(as, ")"))
		return false;
	if (cast.is_signed)
		return emit(as, isa_load_sx(cast.bytes, dst.n, m.base, m.off));
	return emit(as, isa_load(cast.bytes, dst.n, m.base, m.off));
}

/* Behind `r1 = (`: `s8) r2`. */
static bool parse_sign_extend(struct assembler *as, struct reg dst)
{
	u8 bits = is(as, "s8") ? 8 : is(as, "s16") ? 16 : is(as, "s32") ? 32 : 0;
	struct reg src;

	if (!bits)
		return wanted(as, "s8, s16 or s32");
	if (bits == 32 && !dst.is64) {
		diag_add(as->dx, as->tok.span, E_ASM, "w%u has 32 bits already", dst.n);
		return false;
	}
	advance(as);
	return expect(as, ")") && parse_reg(as, &src) && same_width(as, dst, src) &&
	       emit(as, isa_mov_sx(dst.is64, dst.n, src.n, bits));
}

/* `r1 = be16 r1`: true if the name looked at is a byte swap. */
static bool is_swap(const struct assembler *as, u8 *out_bits, char *out_how)
{
	str t = as->tok.text;
	str digits = str_starts(t, "bswap") ? str_sub(t, 5, 2) : str_sub(t, 2, 2);

	if (as->tok.kind != TOK_NAME ||
	    !(str_starts(t, "bswap") || str_starts(t, "be") || str_starts(t, "le")))
		return false;
	if (digits.s + digits.n != t.s + t.n)
		return false;
	*out_bits = str_is(digits, "16")   ? 16
		    : str_is(digits, "32") ? 32
		    : str_is(digits, "64") ? 64
					   : 0;
	*out_how = str_starts(t, "bswap") ? 's' : t.s[0];
	return *out_bits != 0;
}

static bool parse_swap(struct assembler *as, struct reg dst, u8 bits, char how)
{
	struct reg src;

	advance(as);
	if (!parse_wide_reg(as, &src, "a byte swap"))
		return false;
	if (src.n != dst.n || !dst.is64) {
		diag_add(as->dx, span_join(dst.span, src.span), E_ASM,
			 "a byte swap works in place: both sides must be r%u", src.n);
		return false;
	}
	return emit(as, how == 's' ? isa_bswap(dst.n, bits) : isa_endian(dst.n, how == 'b', bits));
}

/* Atomic operations that give the old value. bytes 0: a cast behind the bracket tells the size. */
static const struct atomic_name {
	const char *name;
	s32 op;
	u8 bytes;
} atomic_names[] = {
	{ "xchg_64", ISA_XCHG, 8 },
	{ "xchg32_32", ISA_XCHG, 4 },
	{ "cmpxchg_64", ISA_CMPXCHG, 8 },
	{ "cmpxchg32_32", ISA_CMPXCHG, 4 },
	{ "atomic_fetch_add", ISA_ATOMIC_ADD | ISA_FETCH, 0 },
	{ "atomic_fetch_or", ISA_ATOMIC_OR | ISA_FETCH, 0 },
	{ "atomic_fetch_and", ISA_ATOMIC_AND | ISA_FETCH, 0 },
	{ "atomic_fetch_xor", ISA_ATOMIC_XOR | ISA_FETCH, 0 },
	{ "atomic_xchg", ISA_XCHG, 0 },
	{ "atomic_cmpxchg", ISA_CMPXCHG, 0 },
	{ "atomic64_fetch_add", ISA_ATOMIC_ADD | ISA_FETCH, 0 },
	{ "atomic64_fetch_or", ISA_ATOMIC_OR | ISA_FETCH, 0 },
	{ "atomic64_fetch_and", ISA_ATOMIC_AND | ISA_FETCH, 0 },
	{ "atomic64_fetch_xor", ISA_ATOMIC_XOR | ISA_FETCH, 0 },
	{ "atomic64_xchg", ISA_XCHG, 0 },
	{ "atomic64_cmpxchg", ISA_CMPXCHG, 0 },
};

static const struct atomic_name *find_atomic(const struct assembler *as)
{
	for (u32 i = 0; as->tok.kind == TOK_NAME && i < ARRAY_LEN(atomic_names); i++)
		if (is(as, atomic_names[i].name))
			return &atomic_names[i];
	return NULL;
}

/* The size and the address: `r1 + 0` or `(u64 *)(r1 + 0)`. */
static bool parse_atomic_place(struct assembler *as, u8 *bytes, struct mem *out)
{
	struct cast cast;

	if (*bytes)
		return parse_address(as, out);
	if (!parse_cast(as, &cast))
		return false;
	*bytes = cast.bytes;
	if (cast.bytes < 4 || cast.is_signed) {
		diag_add(as->dx, cast.span, E_ASM, "atomic operations are on u32 or u64");
		return false;
	}
	return expect(as, "(") && parse_address(as, out) && expect(as, ")");
}

/* The kernel's log writes r registers for 32-bit atomics too. */
static bool atomic_width(struct assembler *as, struct reg r, u8 bytes)
{
	if (r.is64 || bytes == 4)
		return true;
	diag_add(as->dx, r.span, E_ASM, "8 bytes need a whole register: r%u", r.n);
	return false;
}

static bool parse_atomic(struct assembler *as, struct reg dst, const struct atomic_name *how)
{
	u8 bytes = how->bytes;
	struct reg expected = { 0 }, src;
	struct mem m;

	advance(as);
	if (!expect(as, "(") || !parse_atomic_place(as, &bytes, &m) || !expect(as, ","))
		return false;
	if (how->op == ISA_CMPXCHG) {
		if (!parse_reg(as, &expected) || !expect(as, ","))
			return false;
		if (dst.n != ISA_R0 || expected.n != ISA_R0) {
			diag_add(as->dx, dst.n ? dst.span : expected.span, E_ASM,
				 "compare-and-exchange compares with r0 and gives the old value in "
				 "r0");
			return false;
		}
	}
	if (!parse_reg(as, &src) || !expect(as, ")"))
		return false;
	if (how->op != ISA_CMPXCHG && src.n != dst.n) {
		diag_add(as->dx, span_join(dst.span, src.span), E_ASM,
			 "the old value comes back in the operand's register, r%u", src.n);
		return false;
	}
	return atomic_width(as, dst, bytes) && atomic_width(as, src, bytes) &&
	       emit(as, isa_atomic(bytes, how->op, m.base, m.off, src.n));
}

/* Behind `r1 = `: a number, with or without `ll`. */
static bool parse_constant(struct assembler *as, struct reg dst)
{
	struct number n;
	s32 imm;

	if (!parse_number(as, &n))
		return false;
	if (!accept(as, "ll"))
		return to_imm(as, n, dst.is64, &imm) &&
		       emit(as, isa_alu_imm(dst.is64, ISA_MOV, dst.n, imm));
	if (!dst.is64) {
		diag_add(as->dx, dst.span, E_ASM, "64 bits need a whole register: r%u", dst.n);
		return false;
	}
	if (!in_range(n, (u64)INT64_MAX + 1, UINT64_MAX)) {
		diag_add(as->dx, n.span, E_ASM, "the number does not fit into 64 bits");
		return false;
	}
	return emit_wide(as, dst.n, ISA_IMM64, (u64)signed_value(n));
}

/* Behind `r1 = -`: the same register, or a number. */
static bool parse_negative(struct assembler *as, struct reg dst)
{
	struct assembler before = *as;
	struct reg src;

	advance(as);
	if (!looks_like_reg(as)) {
		as->at = before.at;
		as->tok = before.tok;
		return parse_constant(as, dst);
	}
	if (!parse_reg(as, &src) || !same_width(as, dst, src))
		return false;
	if (src.n != dst.n) {
		diag_add(as->dx, span_join(dst.span, src.span), E_ASM,
			 "a negation works in place: both sides must be the same register");
		return false;
	}
	return emit(as, isa_alu_imm(dst.is64, ISA_NEG, dst.n, 0));
}

/* What needs a 64-bit immediate: `map[…]` and its like. */
static bool parse_bracketed(struct assembler *as, struct reg dst)
{
	str name = as->tok.text;
	struct token first = as->tok;

	if (!str_is(name, "map") && !str_is(name, "map_value") && !str_is(name, "btf_id") &&
	    !str_is(name, "func")) {
		diag_add(as->dx, first.span, E_ASM, "'" STR_FMT "' is no value", STR_ARG(name));
		diag_hint(as->dx, "a value is a register, a number, *(u32 *)(rN + 0), map[NAME], "
				  "map_value[NAME] + 0, func[LABEL] or an atomic operation");
		return false;
	}
	if (!dst.is64) {
		diag_add(as->dx, dst.span, E_ASM, "64 bits need a whole register: r%u", dst.n);
		return false;
	}
	advance(as);
	if (!expect(as, "["))
		return false;
	if (str_is(name, "btf_id"))
		return parse_btf_id(as, dst);
	if (str_is(name, "func"))
		return parse_func(as, dst);
	return parse_map(as, dst, str_is(name, "map_value"));
}

/* Behind `r1 = `. */
static bool parse_value(struct assembler *as, struct reg dst)
{
	const struct atomic_name *atomic = find_atomic(as);
	struct reg src = { 0 };
	u8 bits;
	char how;

	if (accept(as, "*"))
		return parse_load(as, dst);
	if (accept(as, "("))
		return parse_sign_extend(as, dst);
	if (is(as, "-"))
		return parse_negative(as, dst);
	if (as->tok.kind == TOK_NUMBER || is(as, "+"))
		return parse_constant(as, dst);
	if (looks_like_reg(as))
		return parse_reg(as, &src) && same_width(as, dst, src) &&
		       emit(as, isa_alu_reg(dst.is64, ISA_MOV, dst.n, src.n));
	if (atomic)
		return parse_atomic(as, dst, atomic);
	if (is_swap(as, &bits, &how))
		return parse_swap(as, dst, bits, how);
	if (as->tok.kind == TOK_NAME)
		return parse_bracketed(as, dst);
	return wanted(as, "a value");
}

/* ---- statements ---------------------------------------------------------------------------------
 */

/* `r1 += 5`, `w2 s/= w3`, `r1 = …`. */
static bool parse_assignment(struct assembler *as)
{
	static const struct {
		const char *sign;
		u8 op;
		s16 off;
	} ops[] = {
		{ "+=", ISA_ADD, 0 },	 { "-=", ISA_SUB, 0 },	{ "*=", ISA_MUL, 0 },
		{ "/=", ISA_DIV, 0 },	 { "s/=", ISA_DIV, 1 }, { "%=", ISA_MOD, 0 },
		{ "s%=", ISA_MOD, 1 },	 { "|=", ISA_OR, 0 },	{ "&=", ISA_AND, 0 },
		{ "^=", ISA_XOR, 0 },	 { "<<=", ISA_LSH, 0 }, { ">>=", ISA_RSH, 0 },
		{ "s>>=", ISA_ARSH, 0 },
	};
	struct reg dst, src;
	struct isa_insn i;
	u32 k = 0;
	s32 imm;

	if (!parse_reg(as, &dst))
		return false;
	if (accept(as, "="))
		return parse_value(as, dst);
	while (k < ARRAY_LEN(ops) && !is(as, ops[k].sign))
		k++;
	if (k == ARRAY_LEN(ops))
		return wanted(as, "'=' or an operator such as '+='");
	advance(as);
	if (looks_like_reg(as)) {
		if (!parse_reg(as, &src) || !same_width(as, dst, src))
			return false;
		i = isa_alu_reg(dst.is64, ops[k].op, dst.n, src.n);
	} else {
		if (as->tok.kind == TOK_NAME)
			return wanted(as, "a register or a number");
		if (!parse_imm(as, dst.is64, &imm))
			return false;
		i = isa_alu_imm(dst.is64, ops[k].op, dst.n, imm);
	}
	i.off = ops[k].off;
	return emit(as, i);
}

/* Behind `lock *(u64 *)(r1 + 0)`. */
static bool parse_locked(struct assembler *as, struct cast cast, struct mem m)
{
	s32 op = is(as, "+=")	? ISA_ATOMIC_ADD
		 : is(as, "|=") ? ISA_ATOMIC_OR
		 : is(as, "&=") ? ISA_ATOMIC_AND
		 : is(as, "^=") ? ISA_ATOMIC_XOR
				: -1;
	struct reg src;

	if (op < 0)
		return wanted(as, "'+=', '|=', '&=' or '^='");
	if (cast.bytes < 4) {
		diag_add(as->dx, cast.span, E_ASM, "atomic operations are on u32 or u64");
		return false;
	}
	advance(as);
	return parse_reg(as, &src) && atomic_width(as, src, cast.bytes) &&
	       emit(as, isa_atomic(cast.bytes, op, m.base, m.off, src.n));
}

/* `*(u32 *)(r1 + 0) = r2`, with or without `lock`. */
static bool parse_store(struct assembler *as)
{
	bool is_locked = accept(as, "lock");
	struct cast cast;
	struct reg src;
	struct mem m;
	s32 imm;

	if (!expect(as, "*") || !parse_cast(as, &cast))
		return false;
	if (cast.is_signed) {
		diag_add(as->dx, cast.span, E_ASM, "a store has no sign: use u%u", cast.bytes * 8u);
		return false;
	}
	if (!expect(as, "(") || !parse_address(as, &m) || !expect(as, ")"))
		return false;
	if (is_locked)
		return parse_locked(as, cast, m);
	if (!expect(as, "="))
		return false;
	if (!looks_like_reg(as))
		return parse_imm(as, cast.bytes == 8, &imm) &&
		       emit(as, isa_store_imm(cast.bytes, m.base, m.off, imm));
	if (!parse_reg(as, &src))
		return false;
	if (!src.is64 && cast.bytes == 8) {
		diag_add(as->dx, src.span, E_ASM, "8 bytes need a whole register: r%u", src.n);
		return false;
	}
	return emit(as, isa_store(cast.bytes, m.base, m.off, src.n));
}

/* Behind `if`. */
static bool parse_if(struct assembler *as)
{
	static const struct {
		const char *sign;
		u8 op;
	} ops[] = {
		{ "==", ISA_JEQ },  { "!=", ISA_JNE },	 { ">", ISA_JGT },   { ">=", ISA_JGE },
		{ "<", ISA_JLT },   { "<=", ISA_JLE },	 { "s>", ISA_JSGT }, { "s>=", ISA_JSGE },
		{ "s<", ISA_JSLT }, { "s<=", ISA_JSLE }, { "&", ISA_JSET },
	};
	struct reg dst, src = { 0 };
	bool has_src;
	s32 imm = 0, off;
	u32 k = 0;

	if (!parse_reg(as, &dst))
		return false;
	while (k < ARRAY_LEN(ops) && !is(as, ops[k].sign))
		k++;
	if (k == ARRAY_LEN(ops))
		return wanted(as, "a comparison such as '==' or 's<'");
	advance(as);
	has_src = looks_like_reg(as);
	if (has_src) {
		if (!parse_reg(as, &src) || !same_width(as, dst, src))
			return false;
	} else if (as->tok.kind == TOK_NAME) {
		return wanted(as, "a register or a number");
	} else if (!parse_imm(as, dst.is64, &imm)) {
		return false;
	}
	if (!expect(as, "goto") || !parse_target(as, FIX_OFF, &off))
		return false;
	if (has_src)
		return emit(as, isa_jump_reg(dst.is64, ops[k].op, dst.n, src.n, (s16)off));
	return emit(as, isa_jump_imm(dst.is64, ops[k].op, dst.n, imm, (s16)off));
}

static bool parse_goto(struct assembler *as, bool is_long)
{
	struct isa_insn i = { .code = ISA_JMP32 | ISA_JA };
	s32 off;

	if (!parse_target(as, is_long ? FIX_IMM : FIX_OFF, &off))
		return false;
	if (!is_long)
		return emit(as, isa_jump((s16)off));
	i.imm = off;
	return emit(as, i);
}

static bool parse_kfunc(struct assembler *as)
{
	struct isa_insn i = { .code = ISA_JMP | ISA_CALL, .src = ISA_CALL_KFUNC };
	struct span at;
	s32 fd;

	if (!expect(as, "["))
		return false;
	at = as->tok.span;
	if (!parse_id(as, &i.imm, &fd))
		return false;
	if (fd != (s16)fd) {
		diag_add(as->dx, at, E_ASM,
			 "the index of a kernel function's BTF must fit into 16 bits");
		return false;
	}
	i.off = (s16)fd;
	return emit(as, i);
}

/* Behind `call`. */
static bool parse_call(struct assembler *as)
{
	s32 to;

	if (as->tok.kind == TOK_NUMBER)
		return parse_imm(as, true, &to) && emit(as, isa_call_helper(to));
	if (accept(as, "kfunc"))
		return parse_kfunc(as);
	if (looks_like_reg(as)) {
		diag_add(as->dx, as->tok.span, E_ASM,
			 "calls through a register are not in RFC 9669");
		return false;
	}
	return parse_target(as, FIX_CALL, &to) && emit(as, isa_call_local(to));
}

static bool parse_slot(struct assembler *as, struct isa_insn *out)
{
	s64 code, dst, src, off, imm;

	if (!parse_range(as, "the code", 0, 255, &code) || !expect(as, ",") ||
	    !parse_range(as, "dst", 0, 15, &dst) || !expect(as, ",") ||
	    !parse_range(as, "src", 0, 15, &src) || !expect(as, ",") ||
	    !parse_range(as, "off", 32768, 32767, &off) || !expect(as, ",") ||
	    !parse_range(as, "imm", (u64)INT32_MAX + 1, UINT32_MAX, &imm))
		return false;
	*out = (struct isa_insn){ .code = (u8)code, .off = (s16)off, .imm = (s32)(u32)imm };
	out->dst = dst & 15;
	out->src = src & 15;
	return true;
}

/* Behind `.insn`: the fields as numbers, for what has no notation and for wrong instructions. */
static bool parse_raw(struct assembler *as)
{
	struct isa_insn i;

	if (!parse_slot(as, &i))
		return false;
	emit(as, i);
	if (!accept(as, ","))
		return true;
	return parse_slot(as, &i) && emit(as, i);
}

static bool parse_statement(struct assembler *as)
{
	if (looks_like_reg(as))
		return parse_assignment(as);
	if (is(as, "*") || is(as, "lock"))
		return parse_store(as);
	if (accept(as, "if"))
		return parse_if(as);
	if (accept(as, "goto"))
		return parse_goto(as, false);
	if (accept(as, "gotol"))
		return parse_goto(as, true);
	if (accept(as, "call"))
		return parse_call(as);
	if (accept(as, "exit"))
		return emit(as, isa_exit());
	if (accept(as, ".insn"))
		return parse_raw(as);
	if (as->tok.kind == TOK_BAD)
		return false;
	diag_add(as->dx, as->tok.span, E_ASM, "no instruction starts with '" STR_FMT "'",
		 STR_ARG(as->tok.text));
	diag_hint(as->dx,
		  "an instruction starts with a register, '*', 'lock', 'if', 'goto', 'gotol', "
		  "'call', 'exit' or '.insn'");
	return false;
}

bool isa_asm_insn(struct assembler *as)
{
	u32 first = as->out->insns.n;
	struct span start = as->tok.span;

	if (!parse_statement(as))
		return false;
	if (as->tok.kind == TOK_BAD)
		return false;
	for (u32 i = first; i < as->out->insns.n; i++)
		as->out->spans.at[i] = span_join(start, as->last);
	if (as->tok.kind == TOK_END)
		return true;
	diag_add(as->dx, as->tok.span, E_ASM, "unexpected '" STR_FMT "' behind the instruction",
		 STR_ARG(as->tok.text));
	diag_hint(as->dx, "each instruction has its own line");
	return false;
}
