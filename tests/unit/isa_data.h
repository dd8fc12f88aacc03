/* Reads the .data files of tests/isa (generate.py there explains the format), for tests of whatever
 * runs instructions, which include this file. Every program begins with an instruction that this
 * reader adds: r2 = size of the memory. */
#ifndef SKEP_TEST_ISA_DATA
#define SKEP_TEST_ISA_DATA

#include "isa/isa.h"

#include <stdlib.h>
#include <string.h>

struct isa_case {
	str file, name;
	struct isa_insn *insns;
	u32 n;
	u8 *mem; /* NULL: none, and r1 is 0 */
	u32 mem_size;
	u64 want;
	u8 *after;	 /* the memory at the end, or NULL */
	bool is_lenient; /* refused by a verifier */
	bool has_packet; /* the memory is the packet that legacy loads see */
};

static const char *const isa_data_files[] = {
	"tests/isa/alu.data",	 "tests/isa/jmp.data",	  "tests/isa/memory.data",
	"tests/isa/atomic.data", "tests/isa/packet.data",
};

/* Whether a line is `-- WORD` or `-- WORD more`. */
static inline bool isa_data_is(str line, const char *head)
{
	u32 n = (u32)strlen(head);

	return str_starts(line, head) && (line.n == n || line.s[n] == ' ');
}

static inline u8 *isa_data_hex(struct arena *a, str text, u32 *out_n)
{
	u8 *out = arena_alloc(a, text.n);
	u32 n = 0;

	for (text = str_trim(text); text.n; text = str_trim(text)) {
		char two[3] = { text.s[0], text.s[1], 0 };

		out[n++] = (u8)strtoul(two, NULL, 16);
		text = str_sub(text, 2, text.n);
	}
	*out_n = n;
	return out;
}

static inline bool isa_data_assemble(struct arena *a, str asm_text, struct isa_case *c)
{
	struct sources ss;
	struct diags dx;
	struct isa_text text = { 0 };
	str whole = str_printf(a, "r2 = %u\n" STR_FMT, c->mem_size, STR_ARG(asm_text));

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, c->name, whole), &text))
		return false;
	c->insns = text.insns.at;
	c->n = text.insns.n;
	return true;
}

/* Takes the next case out of *rest: 1, 0 at the end, -1 when its assembly is wrong. */
static inline int isa_data_next(struct arena *a, str *rest, struct isa_case *out)
{
	str asm_text = { 0 }, *part = NULL, mem = { 0 }, after = { 0 }, want = { 0 };
	bool seen = false;
	u32 n;

	while (rest->n) {
		str before = *rest, line = str_cut(rest, '\n');

		if (isa_data_is(line, "-- case") && seen) {
			*rest = before;
			break;
		}
		if (isa_data_is(line, "-- case")) {
			str words = str_sub(line, 8, line.n);

			seen = true;
			out->name = str_cut(&words, ' ');
			out->is_lenient = str_is(words, "lenient");
			out->has_packet = str_is(words, "packet");
			part = &asm_text;
		} else if (isa_data_is(line, "-- mem")) {
			part = &mem;
		} else if (isa_data_is(line, "-- result")) {
			part = &want;
		} else if (isa_data_is(line, "-- after")) {
			part = &after;
		} else if (part && line.n) {
			*part = part->n ? (str){ part->s, (u32)(line.s + line.n - part->s) } : line;
		}
	}
	if (!seen)
		return 0;
	out->mem = mem.n ? isa_data_hex(a, mem, &out->mem_size) : NULL;
	out->after = after.n ? isa_data_hex(a, after, &n) : NULL;
	return str_to_u64(want, &out->want) && isa_data_assemble(a, asm_text, out) ? 1 : -1;
}

typedef void (*isa_data_fn)(void *arg, const struct isa_case *c);

/* Calls fn for every case; returns how many there were, or 0 and the name of what is wrong in
 * *out_bad. */
static inline u32 isa_data_each(struct arena *a, isa_data_fn fn, void *arg, str *out_bad)
{
	u32 n = 0;

	*out_bad = (str){ 0 };
	for (u32 i = 0; i < ARRAY_LEN(isa_data_files); i++) {
		struct err e;
		str rest;
		int got;

		if (base_read_file(a, isa_data_files[i], 1 << 20, &rest, &e) != 0) {
			*out_bad = str_of(isa_data_files[i]);
			return 0;
		}
		do {
			struct isa_case c = { .file = str_of(isa_data_files[i]) };

			got = isa_data_next(a, &rest, &c);
			if (got < 0) {
				*out_bad = c.name;
				return 0;
			}
			if (got > 0)
				fn(arg, &c);
			n += (u32)got;
		} while (got > 0);
	}
	return n;
}

#endif
