/* output: what comes out of the maps: skep's own events, and what programs send through maps of their own.
 *
 * A record of a program's map is given on with a struct obj_record in front that names its event in the plan. Records
 * that a perf event array had no room for are added to the object's counter of lost records; for ring buffers the
 * programs count them. A poll delivers a bounded number of records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/room.h"

#define BUDGET 65536u

static int counted(struct engine *u)
{
	if (--u->budget)
		return 0;
	u->more = true;
	return -ECANCELED;
}

static int on_event(void *arg, const void *data, u32 size)
{
	struct engine *u = arg;
	int err = u->record(u->record_arg, data, size);

	return err < 0 ? err : counted(u);
}

static int on_output(void *arg, const void *data, u32 size)
{
	struct engine *u = arg;
	struct obj_record head = { 0 };
	u32 total = size + (u32)sizeof(head);
	int err;

	if (!rt_output_event(u->obj, u->output_map, size, &head.event))
		return 0;
	if (total > u->output_room) {
		char *more = realloc(u->output, total);

		if (!more)
			return -ENOMEM;
		u->output = more;
		u->output_room = total;
	}
	memcpy(u->output, &head, sizeof(head));
	memcpy(u->output + sizeof(head), data, size);
	err = u->record(u->record_arg, u->output, total);
	return err < 0 ? err : counted(u);
}

static void count_lost(struct engine *u, u32 map)
{
	u32 lost = u->obj->lost, element = OBJ_LOST_RECORDS, cpus = probes_cpus(u->m);
	u64 now = maps_lost(u->maps[map]), *parts;

	if (u->obj->maps.at[map].type != ISA_MAP_PERF_EVENT_ARRAY || lost == OBJ_NONE ||
	    now == u->lost_seen[map])
		return;
	parts = calloc(cpus, sizeof(*parts));
	if (parts && !user_map_lookup(u, lost, &element, parts)) {
		parts[0] += now - u->lost_seen[map];
		u->lost_seen[map] = now;
		user_map_update(u, lost, &element, parts, 0);
	}
	free(parts);
}

bool user_is_output(const struct engine *u, u32 map)
{
	for (u32 i = 0; i < u->obj->events.n; i++)
		if (u->obj->events.at[i].kind == OBJ_EV_OUTPUT && u->obj->events.at[i].map == map)
			return u->maps[map] != NULL;
	return map == u->obj->ring && u->maps[map];
}

int user_consume(struct engine *u, struct err *e)
{
	int got = 0;

	u->more = false;
	u->budget = BUDGET;
	for (u32 i = 0; got >= 0 && i < u->n_maps; i++) {
		if (!user_is_output(u, i))
			continue;
		u->output_map = i;
		got = maps_consume(u->maps[i], i == u->obj->ring ? on_event : on_output, u);
		count_lost(u, i);
	}
	if (got >= 0 || u->more)
		return 0;
	return err_set(e, got, USER_ROOM, "an event could not be handled: %s", strerror(-got));
}
