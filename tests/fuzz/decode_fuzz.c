/* Decoder, printer and assembler: what is printed of any instruction is read back as the same bytes. */
#include "isa/isa.h"

#include <stdlib.h>
#include <string.h>

enum { MAX = 64 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct isa_insn in[MAX + 1] = { 0 };
	u32 n = size / 8 > MAX ? MAX : (u32)(size / 8);
	struct arena *a = arena_new(NULL);
	struct isa_text back = { 0 };
	struct sources ss;
	struct diags dx;
	struct sbuf b;
	const char *why;

	if (n)
		memcpy(in, data, (size_t)n * 8);
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	sbuf_init(&b, a);
	/* A 64-bit load is printed with its second half; its references, as places that the text has not. */
	for (u32 i = 0; i < n; i += 1 + isa_is_wide(in[i])) {
		if (isa_is_wide(in[i]) && (in[i].src || i + 1 == n))
			n = i;
		else
			isa_print(&b, in[i], in[i + 1]);
		sbuf_putc(&b, '\n');
	}
	if (b.n && isa_assemble(a, &dx, sources_add(&ss, STR("fuzz"), sbuf_str(&b)), &back))
		for (u32 i = 0; i < back.insns.n && i < n; i += 1 + isa_is_wide(in[i]))
			if (isa_decode(in[i], &why) && memcmp(&back.insns.at[i], &in[i], 8) != 0)
				abort();
	arena_free(a);
	return 0;
}
