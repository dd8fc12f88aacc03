/* Programs in text and maps by name, for the verifier's tests, which include this file. */
#ifndef SKEP_TEST_VERIFY_MAPS
#define SKEP_TEST_VERIFY_MAPS

#include "verify/verify.h"

#include <stdio.h>
#include <string.h>

#define PLAIN .inner = OBJ_NONE, .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE
static const u8 verify_frozen[8] = { 1 };
static const struct verify_map verify_maps[] = {
	{ .type = ISA_MAP_HASH, .key_size = 8, .value_size = 8, .max_entries = 16, PLAIN },
	{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 8, PLAIN },
	{ .type = ISA_MAP_RINGBUF, .max_entries = 4096, PLAIN },
	{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1,
	  .inner = OBJ_NONE, .spin_lock_off = 4, .timer_off = OBJ_NONE },
	{ .type = ISA_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4, PLAIN },
	{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1, .flags = 0x80,
	  .frozen = verify_frozen, PLAIN },
	{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1, .flags = 0x100, PLAIN },
};
static const char *const verify_map_names[] = { "m", "a", "ring", "lock", "progs", "ro", "wo" };

/* Assembles `code` into `in`, with the maps above; references to maps of other names lead nowhere.
 * `out_lines` (or NULL) gets the line of each instruction. */
static bool verify_assemble(struct arena *a, str code, struct verify_input *in, u32 **out_lines)
{
	struct isa_text text = { 0 };
	struct sources ss;
	struct diags dx;
	struct sbuf b;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, STR("test"), code), &text)) {
		sbuf_init(&b, a);
		diags_render(&dx, &b, false);
		printf("%s\n", b.s);
		return false;
	}
	for (u32 i = 0; i < text.refs.n; i++) {
		struct isa_insn *at = &text.insns.at[text.refs.at[i].insn];

		at->src = text.refs.at[i].pseudo & 15;
		at->imm = -1;
		for (u32 k = 0; k < ARRAY_LEN(verify_map_names); k++)
			if (str_is(text.refs.at[i].name, verify_map_names[k]))
				at->imm = (s32)k;
	}
	if (out_lines)
		*out_lines = arena_array_of(a, u32, text.insns.n);
	for (u32 i = 0; out_lines && i < text.insns.n; i++)
		(*out_lines)[i] = sources_place(&ss, text.spans.at[i].lo).line;
	in->insns = text.insns.at;
	in->n = text.insns.n;
	in->attach_type = OBJ_NONE;
	in->maps = verify_maps;
	in->n_maps = ARRAY_LEN(verify_maps);
	return true;
}

#endif
