/* Refusals: what is wrong, the way of the value to blame, and what would make it right.
 *
 * Values are traced through nodes (state.h): each says at which instruction it was made from which
 * others. The steps of a problem are the instructions behind the blamed value, in the order in
 * which they ran, then the last conditional jumps of the path. Only the first refusal counts.
 */
#include "verify/state.h"

#define MAX_STEPS 8

static const char *const tag_names[] = {
#define VERIFY_TAG(tag, gloss) #tag,
#include "verify/verify_tags.def"
#undef VERIFY_TAG
};
static const char *const tag_glosses[] = {
#define VERIFY_TAG(tag, gloss) gloss,
#include "verify/verify_tags.def"
#undef VERIFY_TAG
};

const char *verify_tag_name(enum verify_tag tag)
{
	return (u32)tag < VERIFY_N_TAGS ? tag_names[tag] : "V_?";
}

const char *verify_tag_gloss(enum verify_tag tag)
{
	return (u32)tag < VERIFY_N_TAGS ? tag_glosses[tag] : "";
}

const char *verify_kind_name(const struct reg *r)
{
	static const char *const names[] = { "nothing (it was never written)",
					     "a number",
					     "the context",
					     "a stack address",
					     "a map",
					     "a map value",
					     "a block of memory",
					     "packet data",
					     "packet metadata",
					     "the end of the packet",
					     "a socket",
					     "a socket's common part",
					     "a TCP socket",
					     "an XDP socket",
					     "a kernel object",
					     "a function",
					     "flow keys",
					     "a tracepoint's buffer" };
	static const char *const nullable[] = { [K_MAP] = "an inner map or null",
						[K_VALUE] = "a map value or null",
						[K_MEM] = "a block of memory or null",
						[K_SOCK] = "a socket or null",
						[K_SOCK_COMMON] = "a socket or null",
						[K_TCP_SOCK] = "a TCP socket or null",
						[K_XDP_SOCK] = "an XDP socket or null",
						[K_BTF] = "a kernel object or null",
						[K_TP_BUFFER] = NULL };

	if (r->or_null && nullable[r->kind])
		return nullable[r->kind];
	return names[r->kind];
}

const char *verify_num_text(struct verifier *v, const struct num *n)
{
	if (num_is_const(n))
		return str_printf(v->a, "%lld", (long long)n->bits).s;
	if (n->umax <= INT64_MAX || n->smin >= 0)
		return str_printf(v->a, "%llu to %llu", (unsigned long long)n->umin,
				  (unsigned long long)n->umax)
			.s;
	if (n->smin == INT64_MIN && n->smax == INT64_MAX)
		return "anything";
	if (n->smin == INT64_MIN)
		return str_printf(v->a, "anything up to %lld", (long long)n->smax).s;
	if (n->smax == INT64_MAX)
		return str_printf(v->a, "anything from %lld", (long long)n->smin).s;
	return str_printf(v->a, "%lld to %lld", (long long)n->smin, (long long)n->smax).s;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A place on the way: `order` counts as nodes do. */
struct stop {
	u32 order, insn;
	enum { P_VALUE, P_TAKEN, P_NOT_TAKEN } what;
};

/* What the instruction did to the value, in front of its text. */
static void verb(struct sbuf *b, struct isa_insn i)
{
	const struct isa_helper *h;

	switch (isa_class(i)) {
	case ISA_LDX: sbuf_printf(b, "r%u is loaded: ", i.dst); break;
	case ISA_LD: sbuf_printf(b, "r%u is set: ", i.dst); break;
	case ISA_ST:
	case ISA_STX:
		sbuf_puts(b, (i.code & 0xe0) == ISA_ATOMIC ? "memory changes: " : "it is stored: ");
		break;
	case ISA_ALU:
	case ISA_ALU64:
		if (isa_op(i) == ISA_MOV)
			sbuf_printf(b,
				    i.code & ISA_X ? "r%u takes it over: " : "r%u is set: ", i.dst);
		else
			sbuf_printf(b, "r%u is computed: ", i.dst);
		break;
	default:
		if (i.code != (ISA_JMP | ISA_CALL)) {
			sbuf_puts(b, "it is compared: ");
			break;
		}
		h = i.src == ISA_CALL_HELPER ? isa_helper((u32)i.imm) : NULL;
		if (h && h->ret != ISA_RET_VOID)
			sbuf_printf(b, "bpf_%s() returns it: ", h->name);
		break;
	}
}

static void add_step(struct verifier *v, struct verify_problem *p, const struct stop *at)
{
	struct verify_step *s = vec_push(v->a, &p->steps);
	struct isa_insn i = v->in->insns[at->insn], next = { 0 };
	struct sbuf b;

	if (isa_is_wide(i) && at->insn + 1 < v->in->n)
		next = v->in->insns[at->insn + 1];
	sbuf_init(&b, v->a);
	if (p->tag == V_UNINIT_REG && i.code == (ISA_JMP | ISA_CALL))
		sbuf_puts(&b, "the call clears r1 to r5: ");
	else if (at->what == P_VALUE)
		verb(&b, i);
	isa_print(&b, i, next);
	if (at->what != P_VALUE)
		sbuf_puts(&b, at->what == P_TAKEN ? " (the jump is taken)"
						  : " (the jump is not taken)");
	s->insn = at->insn;
	s->text = sbuf_str(&b);
}

/* The newest nodes first: a small set; each is replaced by what it came from. */
static u32 trace_value(struct verifier *v, u32 blamed, u32 node, struct stop *out)
{
	u32 set[16], n = 0, found = 0;

	if (node)
		set[n++] = node;
	for (u32 budget = 0; n && found < MAX_STEPS && budget < 4096; budget++) {
		u32 best = 0, id;
		struct node x;

		for (u32 i = 1; i < n; i++)
			best = set[i] > set[best] ? i : best;
		id = set[best];
		set[best] = set[--n];
		x = v->nodes.at[id];
		if (x.insn != NO_INSN && (!found || out[found - 1].insn != x.insn) &&
		    x.insn != blamed)
			out[found++] = (struct stop){ id, x.insn, P_VALUE };
		if (x.a && x.a < id && n < ARRAY_LEN(set))
			set[n++] = x.a;
		if (x.b && x.b < id && x.b != x.a && n < ARRAY_LEN(set))
			set[n++] = x.b;
	}
	return found;
}

/* The last conditional jumps of the path. */
static u32 trace_path(struct verifier *v, struct stop *out)
{
	u32 n = 0;

	for (u32 t = v->trail_at; t && n < 2; t = v->trail.at[t].prev) {
		const struct trail *x = &v->trail.at[t];

		out[n++] = (struct stop){ x->order, x->insn, x->taken ? P_TAKEN : P_NOT_TAKEN };
	}
	return n;
}

static void trace(struct verifier *v, struct verify_problem *p, u32 node)
{
	struct stop at[MAX_STEPS + 2];
	u32 n = trace_value(v, p->insn, node, at);

	n += trace_path(v, at + n);
	for (u32 i = 1; i < n; i++)
		for (u32 k = i; k && at[k].order < at[k - 1].order; k--) {
			struct stop x = at[k];

			at[k] = at[k - 1];
			at[k - 1] = x;
		}
	for (u32 i = 0; i < n; i++) {
		/* A comparison that taught something stands there as a jump as well. */
		if (i + 1 < n && at[i + 1].insn == at[i].insn)
			continue;
		add_step(v, p, &at[i]);
	}
}

bool verify_refuse(struct verifier *v, enum verify_tag tag, u32 node, const char *hint,
		   const char *fmt, ...)
{
	struct verify_problem *p = &v->out->problem;
	va_list ap;

	if (v->failed)
		return false;
	v->failed = true;
	p->tag = tag;
	p->insn = v->insn;
	va_start(ap, fmt);
	p->text = str_vprintf(v->a, fmt, ap);
	va_end(ap);
	p->hint = str_of(hint);
	if (v->nodes.n && v->trail.n)
		trace(v, p, node);
	return false;
}
