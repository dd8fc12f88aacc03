/* stacks.c: a stack as text, a frame a line, the innermost first.
 *
 * A field holds the stack's number in a stack trace map (bpf_get_stackid), whose value is addresses up to the first 0.
 * Modes: bpftrace's own (eight blanks, symbol and offset), perf's (a tab, the address in hexadecimal, symbol and
 * offset, the file in parentheses) and raw (the address alone). The text begins with a newline when there is a frame
 * at all. A negative number is what the kernel said instead of a stack: nothing is printed.
 */
#include <string.h>

#include "rt/rt_private.h"

enum { MOST_FRAMES = 1024 };

static void put_symbol(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		       u32 tgid, u64 address, bool module)
{
	if (f->kind == OBJ_F_KSTACK)
		rt_ksym(out, c->names ? rt_ksyms_of(c->names) : NULL, address, true);
	else
		rt_usym(out, c->names ? rt_usyms_of(c->names) : NULL, tgid, address, true, module);
}

static void put_frame(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		      u32 tgid, u64 address)
{
	if (str_is(f->extra, "raw")) {
		sbuf_printf(out, "%llx", (unsigned long long)address);
	} else if (str_is(f->extra, "perf")) {
		sbuf_printf(out, "\t%llx ", (unsigned long long)address);
		put_symbol(out, c, f, tgid, address, true);
	} else {
		sbuf_puts(out, "        ");
		put_symbol(out, c, f, tgid, address, false);
	}
	sbuf_putc(out, '\n');
}

void rt_stack_frames(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		     const void *at)
{
	s32 id = (s32)rt_value_int(at, 4, true);
	u32 tgid = (u32)rt_value_int((const char *)at + 4, 4, false), size;
	u64 *frames;

	if (!c || !c->engine || id < 0 || f->map >= c->obj->maps.n)
		return;
	size = c->obj->maps.at[f->map].value_size;
	frames = arena_alloc(out->a, size + sizeof(*frames));
	if (c->engine->map_lookup(c->self, f->map, &id, frames))
		return;
	sbuf_putc(out, '\n');
	for (u32 i = 0; i < size / sizeof(*frames) && i < MOST_FRAMES && frames[i]; i++)
		put_frame(out, c, f, tgid, frames[i]);
}
