/* Objects: whatever the bytes are, reading them ends with an object or a reason; an object that is read can be linked,
 * printed, written, and read again. */
#include "obj/obj.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void read_again(struct arena *a, const struct obj_elf_options *o, const struct obj *first)
{
	struct obj *second;
	struct err e = { 0 };
	str bytes;

	if (obj_write_elf(a, first, &bytes, &e))
		return;
	if (obj_read_elf(a, o, bytes, &second, &e) == -SKEP_EBADFILE && !e.msg[0])
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct trap trap = { .line = 0 };
	struct obj_elf_options o = { .name = STR("fuzz") };
	struct obj_image image;
	struct sources ss;
	struct obj *obj;
	struct sbuf text;
	struct err e = { 0 };
	struct arena *a;

	if (size > 1 << 20)
		return 0;
	if (setjmp(trap.env)) {
		/* Memory may end, an invariant may not break. */
		if (trap.file)
			abort();
		arena_free_all(&trap);
		return 0;
	}
	a = arena_new(&trap);
	sources_init(&ss, a);
	o.types = ty_table_new(a);
	o.ss = &ss;
	if (obj_read_elf(a, &o, (str){ arena_dup(a, data, size), (u32)size }, &obj, &e) == 0) {
		obj->ss = &ss;
		sbuf_init(&text, a);
		for (u32 i = 0; i < obj->progs.n && i < 8; i++)
			if (obj_link(a, obj, i, &image, &e) == 0)
				(void)obj_span_at(obj, &image, image.n - 1);
		obj_print(&text, obj, true);
		read_again(a, &o, obj);
	} else if (!e.msg[0]) {
		abort();
	}
	arena_free_all(&trap);
	return 0;
}
