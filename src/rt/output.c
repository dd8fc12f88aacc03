/* output: which event of the plan a record of a program's own map is.
 *
 * A map may carry several types, and the sizes of records are rounded up (perf): the largest type that the record has
 * room for is meant.
 */
#include "rt/rt.h"

bool rt_output_event(const struct obj *o, u32 map, u32 size, u32 *out_index)
{
	const struct obj_event *best = NULL;
	u64 room = (u64)size + sizeof(struct obj_record);

	for (u32 i = 0; i < o->events.n; i++) {
		const struct obj_event *ev = &o->events.at[i];

		if (ev->kind != OBJ_EV_OUTPUT || ev->map != map)
			continue;
		if (best && !(ev->size <= room && (ev->size > best->size || best->size > room)))
			continue;
		best = ev;
		*out_index = i;
	}
	return best != NULL;
}
