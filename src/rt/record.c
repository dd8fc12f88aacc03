/* record.c: one record of the event ring to a line of text or JSON.
 *
 * The record's first word names its event in the obj's plan. trace_printk records become the line that
 * the kernel's trace_pipe would show (Linux Documentation/trace/ftrace.rst, "Output format"; the interrupt
 * and preemption flags are not known to a program and shown as dots), or columns, or the bare message.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "rt/rt_private.h"

static void put_trace_head(struct sbuf *out, const struct rt_config *c,
			   const struct obj_trace_record *r)
{
	u64 s = r->ns / 1000000000ull, ns = r->ns % 1000000000ull;
	str comm = { r->comm, (u32)strnlen(r->comm, sizeof(r->comm)) };

	if (c->style == RT_STYLE_TRACE) {
		sbuf_printf(out, "%16.*s-%-7u [%03u] ..... %5llu.%06llu: bpf_trace_printk: ",
			    STR_ARG(comm), r->tid, r->cpu, (unsigned long long)s,
			    (unsigned long long)(ns / 1000));
	} else if (c->style == RT_STYLE_COLUMNS) {
		str when = str_printf(out->a, "%llu.%09llu", (unsigned long long)s,
				      (unsigned long long)ns);

		sbuf_printf(out, "%-18.*s %-16.*s %-6u ", STR_ARG(when), STR_ARG(comm), r->tid);
	}
}

static int put_trace(struct sbuf *out, const struct rt_config *c, const struct obj_event *ev,
		     const void *data, u32 size)
{
	const struct obj_trace_record *r = data;
	struct sbuf text;

	if (size < sizeof(*r))
		return -EINVAL;
	if (!c->json) {
		put_trace_head(out, c, r);
		rt_format(out, c, ev->format, ev->args.at, ev->args.n, data, size);
		sbuf_putc(out, '\n');
		return 0;
	}
	sbuf_init(&text, out->a);
	rt_format(&text, c, ev->format, ev->args.at, ev->args.n, data, size);
	sbuf_printf(out,
		    "{\"type\": \"trace\", \"data\": {\"ns\": %llu, \"cpu\": %u, \"pid\": %u, "
		    "\"tid\": %u, \"comm\": ",
		    (unsigned long long)r->ns, r->cpu, r->tgid, r->tid);
	sbuf_json(out, (str){ r->comm, (u32)strnlen(r->comm, sizeof(r->comm)) });
	sbuf_puts(out, ", \"message\": ");
	sbuf_json(out, sbuf_str(&text));
	sbuf_puts(out, "}}\n");
	return 0;
}

static void put_wrapped(struct sbuf *out, const struct rt_config *c, const char *type, str text)
{
	if (!c->json) {
		sbuf_put(out, text);
		return;
	}
	sbuf_printf(out, "{\"type\": \"%s\", \"data\": ", type);
	sbuf_json(out, text);
	sbuf_puts(out, "}\n");
}

/* join(), cat(), system(): printf's text is what they act upon. */
static void put_action(struct sbuf *out, const struct rt_config *c, const struct obj_event *ev,
		       const void *data, u32 size)
{
	struct sbuf text, result;

	sbuf_init(&text, out->a);
	sbuf_init(&result, out->a);
	if (ev->kind == OBJ_EV_JOIN)
		rt_act_join(&result, ev, data, size);
	else
		rt_format(&text, c, ev->format, ev->args.at, ev->args.n, data, size);
	if (ev->kind == OBJ_EV_CAT)
		rt_act_cat(&result, sbuf_str(&text));
	else if (ev->kind == OBJ_EV_SYSTEM)
		rt_act_system(&result, sbuf_str(&text));
	put_wrapped(out, c,
		    ev->kind == OBJ_EV_JOIN  ? "join"
		    : ev->kind == OBJ_EV_CAT ? "cat"
					     : "syscall",
		    sbuf_str(&result));
}

static void put_time(struct sbuf *out, const struct rt_config *c, const struct obj_event *ev)
{
	char buf[256];
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	localtime_r(&now, &tm);
	n = strftime(buf, sizeof(buf), str_z(out->a, ev->format), &tm);
	put_wrapped(out, c, "time", (str){ buf, (u32)n });
}

static void put_value(struct sbuf *out, const struct rt_config *c, const struct obj_event *ev,
		      const void *data, u32 size)
{
	const struct obj_field *f = ev->args.n ? &ev->args.at[0] : NULL;

	if (!f || f->off + f->size > size)
		return;
	if (c->json)
		sbuf_puts(out, "{\"type\": \"value\", \"data\": ");
	rt_value_field(out, c, f, data, c->json ? VALUE_JSON : VALUE_TEXT);
	sbuf_puts(out, c->json ? "}\n" : "\n");
}

/* clear() deletes the entries, zero() keeps the keys. */
static int empty_map(const struct rt_config *c, struct arena *a, u32 map, bool keep)
{
	const struct obj_map *m = &c->obj->maps.at[map];
	char *key = arena_alloc(a, m->key_size + 1), *next = arena_alloc(a, m->key_size + 1);
	char *zero = arena_alloc(a, round_up(m->value_size, 8) * (c->n_cpus + 1));
	char *at = NULL;
	int r;

	while ((r = c->engine->map_next(c->self, map, at, next)) == 0) {
		memcpy(key, next, m->key_size);
		if (keep)
			r = c->engine->map_update(c->self, map, key, zero, 0);
		else
			r = c->engine->map_delete(c->self, map, key);
		if (r && r != -ENOENT)
			return r;
		at = keep ? key : NULL;
	}
	return r == -ENOENT ? 0 : r;
}

/* The members of a struct as words. Anonymous structs and unions are shown as a whole. */
static void put_members(struct sbuf *out, const struct type *type, const char *at)
{
	const struct type *ty = ty_strip(type);
	bool first = true;

	for (u32 i = 0; ty_complete(ty) && i < ty->n; i++) {
		const struct ty_member *m = &ty->members[i];

		if (!m->name.n && !ty_is_aggregate(m->type))
			continue;
		sbuf_puts(out, first ? "" : " ");
		first = false;
		if (m->name.n)
			sbuf_printf(out, STR_FMT "=", STR_ARG(m->name));
		rt_value_member(out, m, at, VALUE_TEXT);
	}
}

static u32 count_outputs(const struct obj *o)
{
	u32 n = 0;

	for (u32 i = 0; i < o->maps.n; i++)
		for (u32 k = 0; k < o->events.n; k++)
			if (o->events.at[k].kind == OBJ_EV_OUTPUT && o->events.at[k].map == i) {
				n++;
				break;
			}
	return n;
}

static void put_output_json(struct sbuf *out, str map, const struct obj_field *f, const char *data,
			    u32 size)
{
	sbuf_puts(out, "{\"type\": \"event\", \"data\": {\"map\": ");
	sbuf_json(out, map);
	sbuf_puts(out, ", \"value\": ");
	if (f)
		rt_value_type(out, f->type, data, VALUE_JSON);
	for (u32 i = 0; !f && i < size; i++)
		sbuf_printf(out, "%s%u", i ? ", " : "[", (u8)data[i]);
	if (!f)
		sbuf_puts(out, size ? "]" : "[]");
	sbuf_puts(out, "}}\n");
}

/* What a program sent through a map of its own: by its C type, or as bytes. */
static int put_output(struct sbuf *out, const struct rt_config *c, const struct obj_event *ev,
		      const void *record, u32 size)
{
	const struct obj_field *f = ev->args.n ? &ev->args.at[0] : NULL;
	const char *data = (const char *)record + sizeof(struct obj_record);
	str map;

	if (ev->map >= c->obj->maps.n)
		return -EINVAL;
	map = c->obj->maps.at[ev->map].name;
	size -= sizeof(struct obj_record);
	if (f && size < f->size) {
		char *whole = arena_alloc(out->a, f->size);

		memcpy(whole, data, size);
		data = whole;
	}
	if (c->json) {
		put_output_json(out, map, f, data, size);
		return 0;
	}
	if (count_outputs(c->obj) > 1)
		sbuf_printf(out, STR_FMT ": ", STR_ARG(map));
	if (f && ty_is_aggregate(f->type))
		put_members(out, f->type, data);
	else if (f)
		rt_value_type(out, f->type, data, VALUE_TEXT);
	for (u32 i = 0; !f && i < size; i++)
		sbuf_printf(out, "%s%02x", i ? " " : "", (u8)data[i]);
	sbuf_putc(out, '\n');
	return 0;
}

int rt_format_record(struct sbuf *out, const struct rt_config *c, const void *data, u32 size)
{
	const struct obj_record *r = data;
	const struct obj_event *ev;
	struct sbuf text;

	if (size < sizeof(*r) || r->event >= c->obj->events.n)
		return -EINVAL;
	ev = &c->obj->events.at[r->event];
	rt_names_refresh(c->names);
	switch (ev->kind) {
	case OBJ_EV_TRACE: return put_trace(out, c, ev, data, size);
	case OBJ_EV_PRINTF:
		sbuf_init(&text, out->a);
		rt_format(&text, c, ev->format, ev->args.at, ev->args.n, data, size);
		put_wrapped(out, c, "printf", sbuf_str(&text));
		return 0;
	case OBJ_EV_ERROR:
	case OBJ_EV_WARNING:
		sbuf_init(&text, out->a);
		rt_format(&text, c, ev->format, ev->args.at, ev->args.n, data, size);
		if (!c->json)
			sbuf_puts(out, ev->kind == OBJ_EV_ERROR ? "ERROR: " : "WARNING: ");
		put_wrapped(out, c, ev->kind == OBJ_EV_ERROR ? "errorf" : "warnf", sbuf_str(&text));
		return 0;
	case OBJ_EV_PRINT_VALUE: put_value(out, c, ev, data, size); return 0;
	case OBJ_EV_TIME: put_time(out, c, ev); return 0;
	case OBJ_EV_PRINT:
		return ev->map == OBJ_NONE
			       ? -EINVAL
			       : rt_print_map_part(out, c, ev->map, ev->top, ev->div, NULL);
	case OBJ_EV_CLEAR:
	case OBJ_EV_ZERO:
		return ev->map == OBJ_NONE ? -EINVAL
					   : empty_map(c, out->a, ev->map, ev->kind == OBJ_EV_ZERO);
	case OBJ_EV_JOIN:
	case OBJ_EV_CAT:
	case OBJ_EV_SYSTEM: put_action(out, c, ev, data, size); return 0;
	case OBJ_EV_EXIT: return 0;
	case OBJ_EV_TEXT:
		put_wrapped(out, c, "text",
			    (str){ (const char *)data + sizeof(*r), size - (u32)sizeof(*r) });
		return 0;
	case OBJ_EV_OUTPUT: return put_output(out, c, ev, data, size);
	default: return -EINVAL;
	}
}
