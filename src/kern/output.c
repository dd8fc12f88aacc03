/* output: what programs send through maps of their own.
 *
 * A perf event array gets libbpf's perf buffer, a ring buffer of the program joins the ring of skep's own
 * events. Each record is given on with a struct obj_record in front that names an OBJ_EV_OUTPUT of the
 * plan: the one of its map whose type is the largest that the record has room for, since a map may
 * carry several types and the kernel rounds the sizes of perf records up.
 *
 * Records that a perf buffer lost are added to the object's counter of lost records, where those that
 * did not fit into a ring are counted by the programs. Only maps that the plan names are opened: a perf event
 * array without output holds counters.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERF_PAGES 32 /* a CPU */

/* Gives one record on; its bytes are copied behind a head. */
static int give(struct kern_output *out, u32 cpu, const void *data, u32 size)
{
	struct kern *k = out->k;
	u32 total = size + sizeof(struct obj_record);
	struct obj_record head = { .cpu = cpu };

	if (!rt_output_event(k->obj, out->map, size, &head.event))
		return 0;
	if (total > out->room) {
		char *more = realloc(out->bytes, total);

		if (!more)
			return -ENOMEM;
		out->bytes = more;
		out->room = total;
	}
	memcpy(out->bytes, &head, sizeof(head));
	memcpy(out->bytes + sizeof(head), data, size);
	return k->record(k->record_arg, out->bytes, total);
}

static int on_ring(void *arg, void *data, size_t size)
{
	struct kern_output *out = arg;
	struct kern *k = out->k;
	int err = give(out, 0, data, (u32)size);

	return err < 0 ? err : kern_ring_counted(k);
}

static void on_perf(void *arg, int cpu, void *data, u32 size)
{
	struct kern_output *out = arg;
	int err = out->failure ? 0 : give(out, (u32)cpu, data, size);

	if (err < 0)
		out->failure = err;
}

static void on_lost(void *arg, int cpu, unsigned long long n)
{
	struct kern_output *out = arg;
	struct kern *k = out->k;
	u32 lost = k->obj->lost, element = OBJ_LOST_RECORDS, cpus = probes_cpus(k->m);
	u64 *parts;

	(void)cpu;
	if (lost == OBJ_NONE)
		return;
	parts = calloc(cpus, sizeof(*parts));
	if (parts && !kern_map_lookup(k, lost, &element, parts)) {
		parts[0] += n;
		kern_map_update(k, lost, &element, parts, BPF_ANY);
	}
	free(parts);
}

static bool is_output(const struct obj *o, u32 map)
{
	for (u32 i = 0; i < o->events.n; i++)
		if (o->events.at[i].kind == OBJ_EV_OUTPUT && o->events.at[i].map == map)
			return true;
	return false;
}

static int open_one(struct kern *k, u32 map, struct err *e)
{
	struct kern_output *out = arena_new_of(k->a, struct kern_output);
	const struct obj_map *m = &k->obj->maps.at[map];
	int err = 0;

	*out = (struct kern_output){ .k = k, .map = map, .next = k->outputs };
	k->outputs = out;
	if (m->type == ISA_MAP_PERF_EVENT_ARRAY) {
		out->perf = perf_buffer__new(k->maps[map], PERF_PAGES, on_perf, on_lost, out, NULL);
		err = out->perf ? 0 : -errno;
	} else if (k->ring) {
		err = ring_buffer__add(k->ring, k->maps[map], on_ring, out);
	} else {
		k->ring = ring_buffer__new(k->maps[map], on_ring, out, NULL);
		err = k->ring ? 0 : -errno;
	}
	if (err == -EPERM || err == -EACCES)
		return kern_denied(k->m, err, "reading a map of events", e);
	return err ? err_set(e, err, KERN_ROOM, "map '" STR_FMT "' cannot be read from: %s",
			     STR_ARG(m->name), strerror(-err))
		   : 0;
}

int kern_outputs_open(struct kern *k, struct err *e)
{
	int err = 0;

	for (u32 i = 0; !err && i < k->n_maps; i++) {
		u32 type = k->obj->maps.at[i].type;

		if ((type == ISA_MAP_PERF_EVENT_ARRAY || type == ISA_MAP_RINGBUF) &&
		    k->maps[i] >= 0 && is_output(k->obj, i))
			err = open_one(k, i, e);
	}
	return err;
}

void kern_outputs_close(struct kern *k)
{
	for (struct kern_output *out = k->outputs; out; out = out->next) {
		perf_buffer__free(out->perf);
		free(out->bytes);
		out->perf = NULL;
		out->bytes = NULL;
	}
	k->outputs = NULL;
}

/* What the perf buffers hold now. Each is read up to where it ended when the reading began, so that this
 * ends however fast records come. */
int kern_outputs_consume(struct kern *k)
{
	int err = 0;

	for (struct kern_output *out = k->outputs; !err && out; out = out->next) {
		int got = out->perf ? perf_buffer__consume(out->perf) : 0;

		err = got < 0 && got != -EAGAIN ? got : out->failure;
	}
	return err;
}

/* ---- iterators ------------------------------------------------------------------------------- */

static u32 text_event(const struct obj *o)
{
	for (u32 i = 0; i < o->events.n; i++)
		if (o->events.at[i].kind == OBJ_EV_TEXT)
			return i;
	return OBJ_NONE;
}

static int read_iter(struct kern *k, struct kern_iter *it, struct err *e)
{
	struct {
		struct obj_record head;
		char text[8192];
	} record = { .head.event = text_event(k->obj) };
	int fd = bpf_iter_create(it->link), err = 0;
	ssize_t n = 1;

	it->is_read = true;
	if (fd < 0)
		return err_set(e, fd, KERN_ROOM, "iterator '" STR_FMT "' cannot be started: %s",
			       STR_ARG(k->obj->progs.at[it->prog].name), strerror(-fd));
	while (!err && n > 0) {
		n = read(fd, record.text, sizeof(record.text));
		if (n > 0 && record.head.event != OBJ_NONE)
			err = k->record(k->record_arg, &record, (u32)n + (u32)sizeof(record.head));
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		err = err_set(e, -errno, KERN_ROOM, "iterator '" STR_FMT "' cannot be read: %m",
			      STR_ARG(k->obj->progs.at[it->prog].name));
	close(fd);
	return err < 0 ? err : 0;
}

int kern_iters_read(struct kern *k, bool *out_done, struct err *e)
{
	int err = 0;

	/* With a command: what is there when it has ended. */
	if (!k->iters.n || (k->cmd.pid && !(k->cmd.released && kern_command_ended(k))))
		return 0;
	for (u32 i = 0; !err && i < k->iters.n; i++)
		if (!k->iters.at[i].is_read)
			err = read_iter(k, &k->iters.at[i], e);
	*out_done = !k->cmd.pid && k->links.n == k->iters.n;
	return err;
}
