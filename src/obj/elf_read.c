/* Reading an ELF object: not there yet. The function says so; nothing else is in this file, so that
 * the reader can take its place without touching its neighbours.
 */
#include "obj/obj.h"

int obj_read_elf(struct arena *a, struct ty_table *types, str bytes, struct obj **out,
		 struct err *e)
{
	(void)a;
	(void)types;
	(void)bytes;
	*out = NULL;
	return err_set(e, -SKEP_EUNSUPPORTED, "obj",
		       "Reading BPF objects from ELF files is not supported yet.");
}
