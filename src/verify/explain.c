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
	static const char *const nullable[] = {
		[K_VALUE] = "a map value or null",     [K_MEM] = "a block of memory or null",
		[K_SOCK] = "a socket or null",	       [K_SOCK_COMMON] = "a socket or null",
		[K_TCP_SOCK] = "a TCP socket or null", [K_XDP_SOCK] = "an XDP socket or null",
		[K_BTF] = "a kernel object or null",   [K_TP_BUFFER] = NULL
	};

	if (r->or_null && nullable[r->kind])
		return nullable[r->kind];
	return names[r->kind];
}

static void step_text(struct verifier *v, struct verify_step *s, const char *end)
{
	struct sbuf b;
	struct isa_insn i = v->in->insns[s->insn], next = { 0 };

	if (isa_is_wide(i) && s->insn + 1 < v->in->n)
		next = v->in->insns[s->insn + 1];
	sbuf_init(&b, v->a);
	isa_print(&b, i, next);
	sbuf_puts(&b, end);
	s->text = sbuf_str(&b);
}

/* The newest nodes first: a small set, kept sorted by id; each is replaced by what it came from. */
static void trace_value(struct verifier *v, struct verify_problem *p, u32 node)
{
	u32 set[16], n = 0, found[MAX_STEPS] = { 0 }, n_found = 0;

	if (node)
		set[n++] = node;
	for (u32 budget = 0; n && n_found < MAX_STEPS && budget < 4096; budget++) {
		u32 best = 0, id;
		struct node x;

		for (u32 i = 1; i < n; i++)
			best = set[i] > set[best] ? i : best;
		id = set[best];
		set[best] = set[--n];
		x = v->nodes.at[id];
		if (x.insn != NO_INSN && (!n_found || found[n_found - 1] != x.insn) &&
		    x.insn != p->insn)
			found[n_found++] = x.insn;
		if (x.a && x.a < id && n < ARRAY_LEN(set))
			set[n++] = x.a;
		if (x.b && x.b < id && x.b != x.a && n < ARRAY_LEN(set))
			set[n++] = x.b;
	}
	while (n_found) {
		struct verify_step *s = vec_push(v->a, &p->steps);

		s->insn = found[--n_found];
		step_text(v, s, "");
	}
}

static void trace_path(struct verifier *v, struct verify_problem *p)
{
	u32 at[2], n = 0;

	for (u32 t = v->trail_at; t && n < ARRAY_LEN(at); t = v->trail.at[t].prev)
		at[n++] = t;
	while (n) {
		const struct trail *t = &v->trail.at[at[--n]];
		struct verify_step *s = vec_push(v->a, &p->steps);

		s->insn = t->insn;
		step_text(v, s, t->taken ? " (taken)" : " (not taken)");
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
	if (v->nodes.n)
		trace_value(v, p, node);
	if (v->trail.n)
		trace_path(v, p);
	return false;
}
