/* reject.c: a verifier's refusal as a diagnostic at the user's source.
 *
 * The engine says which instruction it was and why, in the kernel's words. The instruction leads to its source
 * through the line records that gen wrote. What the kernel's words mean for a program in C is said by a hint;
 * the table below holds the refusals that people meet most (Linux kernel/bpf/verifier.c). First match wins.
 * Refusals that it does not know are shown as they are.
 */
#include <string.h>

#include "api/session.h"
#include "user/user.h"

/* What the kernel says (anywhere in its reason), and what to do. */
static const struct {
	const char *says, *hint;
} meanings[] = {
	{ "_or_null'", "this pointer can be NULL: test it before it is used, if (p) …" },
	{ "mem access 'scalar'",
	  "the verifier does not know this number as a pointer: read through it with "
	  "bpf_probe_read_kernel() or bpf_probe_read_user()" },
	{ "mem access 'inv'",
	  "the verifier does not know this number as a pointer: read through it with "
	  "bpf_probe_read_kernel() or bpf_probe_read_user()" },
	{ "min value is negative",
	  "the index or size may be negative here: make it unsigned, or test it before" },
	{ "unbounded min value",
	  "the index has no limits here: compare it with the size of what is accessed "
	  "before" },
	{ "unbounded memory access",
	  "the index or size has no upper limit here: compare it with the size of what "
	  "is accessed before" },
	{ "invalid access to map value",
	  "the access may go beyond the map's value: compare the index with its size "
	  "before" },
	{ "invalid access to packet", "compare the end of the access with data_end before" },
	{ "infinite loop", "the loop must change what its condition tests" },
	{ "back-edge", "this kernel takes no loops (5.3 does): unroll it with #pragma unroll" },
	{ "too complex",
	  "the verifier gives up on the number of ways through the program: shorten its loops" },
	{ "BPF program is too large",
	  "the verifier gives up after a million steps: shorten the program's loops" },
	{ "invalid indirect read from stack",
	  "part of this variable was never written: initialise it with = {}" },
	{ "invalid read from stack",
	  "part of this variable was never written: initialise it with = {}" },
	{ "combined stack size",
	  "the functions that call each other need more than 512 bytes of stack together" },
	{ "cannot call GPL-restricted",
	  "this helper is for programs with char LICENSE[] SEC(\"license\") = \"GPL\"" },
	{ "unknown func",
	  "this helper is not for programs of this kind, or this kernel does not have it yet" },
	{ "not supported for program type", "this helper is not for programs of this kind" },
	{ "cannot use helper",
	  "this helper is not for programs of this kind, or this kernel does not have it yet" },
	{ "invalid bpf_context access", "this event's context has no such field" },
	{ "reference leak",
	  "what was acquired or reserved must be released, submitted or discarded on every way" },
	{ "Unreleased reference",
	  "what was acquired or reserved must be released, submitted or discarded on every "
	  "way" },
};

static void explain(struct skep *s, str reason)
{
	for (u32 i = 0; i < ARRAY_LEN(meanings); i++) {
		if (!memmem(reason.s, reason.n, meanings[i].says, strlen(meanings[i].says)))
			continue;
		diag_hint(&s->dx, "%s", meanings[i].hint);
		return;
	}
}

static void put_log(struct skep *s, str log)
{
	while (log.n && s->o.note) {
		str line = str_cut(&log, '\n');

		if (line.n)
			session_note(s, "verifier: " STR_FMT, STR_ARG(line));
	}
}

int reject_report(struct skep *s, const struct rt_rejection *rej)
{
	const struct obj_prog *p = &s->obj->progs.at[rej->prog];
	struct obj_image image = { 0 };
	struct span at = p->span;
	struct err e = { 0 };

	if (rej->insn != OBJ_NONE && obj_link(s->a, s->obj, rej->prog, &image, &e) == 0) {
		struct span line = obj_span_at(s->obj, &image, rej->insn);

		if (span_known(line))
			at = line;
	}
	diag_add(&s->dx, at, E_REJECTED, "%s refuses program '" STR_FMT "' (" STR_FMT "): " STR_FMT,
		 s->engine == &user_engine ? "the user engine" : "the kernel's verifier",
		 STR_ARG(p->name), STR_ARG(p->attach), STR_ARG(rej->reason));
	if (rej->insn != OBJ_NONE && rej->insn < image.n) {
		struct sbuf text;

		sbuf_init(&text, s->a);
		isa_print(&text, image.insns[rej->insn],
			  rej->insn + 1 < image.n ? image.insns[rej->insn + 1]
						  : (struct isa_insn){ 0 });
		diag_note(&s->dx, (struct span){ 0 }, "at instruction %u: %s", rej->insn, text.s);
	}
	explain(s, rej->reason);
	session_begin(s); /* what the engine said of it is in the diagnostic */
	if (s->o.verbose)
		put_log(s, rej->log);
	else
		diag_hint(&s->dx, "-v shows the verifier's whole log");
	/* The diagnostic says it all. */
	s->err = (struct err){ 0 };
	return -SKEP_WRONG_PROGRAM;
}
