/* Writing an object as ELF: not there yet. The function says so; nothing else is in this file, so
 * that the writer can take its place without touching its neighbours.
 */
#include "obj/obj.h"

int obj_write_elf(struct arena *a, const struct obj *o, str *out_bytes, struct err *e)
{
	(void)a;
	(void)o;
	*out_bytes = (str){ 0 };
	return err_set(e, -SKEP_EUNSUPPORTED, "obj",
		       "Writing BPF objects as ELF files is not supported yet.");
}
