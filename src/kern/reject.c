/* reject: a verifier's log in one line.
 *
 * The log (Documentation/bpf/verifier.rst) walks through the program: `12: (85) call
 * bpf_probe_read#4` for each instruction, with register states, source lines and jumps of the walk
 * between. It ends with the complaint and statistics. The complaint is what stands behind the last
 * instruction and is no bookkeeping; the instruction is that last one, unless the complaint names
 * one itself
 * ("unreachable insn 5"), as checks do that come before the walk.
 */
#include "kern/room.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static u32 digits(str x)
{
	u32 n = 0;

	while (n < x.n && is_digit(x.s[n]))
		n++;
	return n;
}

/* "12: (85) call …": the number. */
static bool insn_line(str line, u32 *out)
{
	u32 n = digits(line);
	u64 value;

	if (!n || n > 7 || !str_starts(str_sub(line, n, line.n), ": ("))
		return false;
	str_to_u64(str_sub(line, 0, n), &value);
	*out = (u32)value;
	return true;
}

/* Bookkeeping of the walk: states, source lines, statistics. */
static bool is_noise(str line)
{
	static const char *const starts[] = {
		";",
		"processed ",
		"verification time",
		"stack depth",
		"mark_precise",
		"from ",
		"func#",
		"caller:",
		"callee:",
		"returning from callee",
		"to caller at",
		"frame",
		"Func#",
		"Validating ",
		"propagating ",
		"last_idx",
		"regs=",
		"parent ",
		"peak_states",
		"max_states",
		"cur state:",
		"old state:",
		"Live regs",
		"Live ",
		"safe",
		"BPF program recently",
	};
	u32 i, n = digits(line);

	if (!line.n)
		return true;
	/* "R1=ctx() R10=fp0" but not "R2 !read_ok" */
	if (line.s[0] == 'R' && line.n > 2 && is_digit(line.s[1])) {
		u32 k = 1 + digits(str_sub(line, 1, line.n));

		return k < line.n && (line.s[k] == '=' || line.s[k] == '_');
	}
	/* "5: R0=…", "5: frame1: …", "  5: .1…  (bf) …" */
	if (n && n < line.n && line.s[n] == ':')
		return true;
	for (i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(line, starts[i]))
			return true;
	return false;
}

/* "… insn 5 …" in a complaint. */
static bool named_insn(str reason, u32 *out)
{
	char *at = reason.n ? memmem(reason.s, reason.n, "insn ", 5) : NULL;
	str rest;
	u64 value;
	u32 n;

	if (!at)
		return false;
	rest = str_sub(reason, (u32)(at - reason.s) + 5, reason.n);
	if (str_starts(rest, "#"))
		rest = str_sub(rest, 1, rest.n);
	n = digits(rest);
	if (!n || n > 7)
		return false;
	str_to_u64(str_sub(rest, 0, n), &value);
	*out = (u32)value;
	return true;
}

void kern_read_log(struct arena *a, str log, u32 n_insns, u32 *out_insn, str *out_reason)
{
	str rest = log, line;
	struct sbuf reason;
	u32 at, lines = 0, named;

	*out_insn = OBJ_NONE;
	sbuf_init(&reason, a);
	while (rest.n) {
		line = str_trim(str_cut(&rest, '\n'));
		if (insn_line(line, &at)) {
			*out_insn = at;
			reason.n = lines = 0;
			continue;
		}
		if (is_noise(line) || lines == 3 || reason.n + line.n > 600)
			continue;
		if (lines++)
			sbuf_puts(&reason, "; ");
		sbuf_put(&reason, line);
	}
	*out_reason = sbuf_str(&reason);
	if (str_starts(*out_reason, "last insn is not") && n_insns)
		*out_insn = n_insns - 1;
	else if (named_insn(*out_reason, &named))
		*out_insn = named;
	if (*out_insn != OBJ_NONE && *out_insn >= n_insns)
		*out_insn = OBJ_NONE;
}
