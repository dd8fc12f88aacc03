/* rt_test.c: printf, values, maps and the loop, against an engine that the test plays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rt/rt.h"

static struct arena *a;

static int setup(void **state)
{
	(void)state;
	a = arena_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void expect(const char *name, const struct sbuf *got, const char *want)
{
	const char *text = got->n ? got->s : "";

	if (strcmp(text, want) != 0)
		fail_msg("%s:\n got: %s\nwant: %s", name, text, want);
}

/* ---- printf --------------------------------------------------------------------------------- */

struct record { s64 i; u64 u; char text[16]; };

static void test_format(void **state)
{
	static const struct { const char *format, *want; s64 i; } cases[] = {
		{ "plain", "plain", 0 },
		{ "100%%", "100%", 0 },
		{ "%d", "-5", -5 },
		{ "%i|", "7|", 7 },
		{ "%5d|", "   42|", 42 },
		{ "%-5d|", "42   |", 42 },
		{ "%05d", "-0042", -42 },
		{ "%+d", "+42", 42 },
		{ "% d", " 42", 42 },
		{ "%.4d", "0042", 42 },
		{ "%x", "78abcdef", 0x12345678abcdef },
		{ "%lx", "12345678abcdef", 0x12345678abcdef },
		{ "%llX", "ABCDEF", 0xabcdef },
		{ "%#x", "0xff", 255 },
		{ "%#o", "0377", 255 },
		{ "%u", "4294967295", -1 },
		{ "%lu", "18446744073709551615", -1 },
		{ "%hhd", "-1", 255 },
		{ "%hx", "ffff", 0x1ffff },
		{ "%ld", "-9223372036854775808", INT64_MIN },
		{ "%p", "0x2a", 42 },
		{ "%c", "A", 'A' },
		{ "%s", "42", 42 },
		{ "%5s|", "   42|", 42 },
		{ "%d and %d", "1 and ", 1 },
		{ "%", "", 1 },
		{ "%5", "", 1 },
		{ "%-", "", 1 },
	};
	struct obj_field arg = { .kind = OBJ_F_INT, .off = 0, .size = 8 };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct record r = { .i = cases[k].i };
		struct sbuf out;

		sbuf_init(&out, a);
		rt_format(&out, NULL, str_of(cases[k].format), &arg, 1, &r, sizeof(r));
		expect(cases[k].format, &out, cases[k].want);
	}
}

static void test_format_strings(void **state)
{
	static const struct { const char *format, *want; } cases[] = {
		{ "%s", "hello" }, { "%8s|", "   hello|" }, { "%-8s|", "hello   |" },
		{ "%.2s|", "he|" }, { "%d", "hello" },
	};
	struct record r = { .text = "hello" };
	struct obj_field arg = { .kind = OBJ_F_STR, .off = offsetof(struct record, text),
				 .size = sizeof(r.text) };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct sbuf out;

		sbuf_init(&out, a);
		rt_format(&out, NULL, str_of(cases[k].format), &arg, 1, &r, sizeof(r));
		expect(cases[k].format, &out, cases[k].want);
	}
}

/* A record that is shorter than its plan says must not be read behind its end. */
static void test_format_short_record(void **state)
{
	struct obj_field arg = { .kind = OBJ_F_INT, .off = 8, .size = 8 };
	char data[8] = { 0 };
	struct sbuf out;

	(void)state;
	sbuf_init(&out, a);
	rt_format(&out, NULL, STR("[%d]"), &arg, 1, data, sizeof(data));
	expect("short", &out, "[]");
}

/* ---- C types -------------------------------------------------------------------------------- */

static void test_types(void **state)
{
	struct ty_table *t = ty_table_new(a);
	const struct type *u32_type = ty_basic(t, TY_B_UINT), *ch = ty_basic(t, TY_B_CHAR);
	struct type *s = ty_tagged_new(t, TY_STRUCT, STR("event"), (struct span){ 0, 0 });
	struct ty_member m[] = {
		{ .name = STR("pid"), .type = u32_type },
		{ .name = STR("low"), .type = u32_type, .bits = 3 },
		{ .name = STR("comm"), .type = ty_array_of(t, ch, 8) },
		{ .name = STR("v"), .type = ty_array_of(t, ty_basic(t, TY_B_SHORT), 2) },
	};
	struct { u32 pid, low : 3; char comm[8]; s16 v[2]; } value = { 7, 5, "sh", { -1, 2 } };
	struct sbuf out;

	(void)state;
	ty_layout(t, s, m, ARRAY_LEN(m), false, 0);
	sbuf_init(&out, a);
	rt_print_type(&out, s, &value);
	expect("struct", &out, "{ .pid = 7, .low = 5, .comm = sh, .v = [-1,2] }");
	sbuf_init(&out, a);
	rt_print_type(&out, ty_ptr_to(t, ch), &(u64){ 0xffff888000001000 });
	expect("pointer", &out, "0xffff888000001000");
}

/* ---- a played engine ------------------------------------------------------------------------- */

struct fake {
	const struct obj *obj;
	struct { u64 key, value[2]; } rows[8];
	u32 n_rows, n_cpus;
	const void *records[8];
	u32 sizes[8], n_records;
	u32 runs, released, detached;
	bool keeps_running;
};

static int fake_next(void *self, u32 map, const void *key, void *out)
{
	struct fake *f = self;
	u32 i = 0;

	(void)map;
	if (key) {
		while (i < f->n_rows && memcmp(&f->rows[i].key, key, 8))
			i++;
		i++;
	}
	if (i >= f->n_rows)
		return -ENOENT;
	memcpy(out, &f->rows[i].key, 8);
	return 0;
}

static int fake_lookup(void *self, u32 map, const void *key, void *out)
{
	struct fake *f = self;

	if (map == f->obj->lost) {
		memcpy(out, (u64[]){ 3, 4 }, f->n_cpus * 8);
		return 0;
	}
	for (u32 i = 0; i < f->n_rows; i++) {
		if (!memcmp(&f->rows[i].key, key, 8)) {
			memcpy(out, f->rows[i].value,
			       isa_map_is_percpu(f->obj->maps.at[map].type) ? 16 : 8);
			return 0;
		}
	}
	return -ENOENT;
}

static int fake_delete(void *self, u32 map, const void *key)
{
	struct fake *f = self;

	(void)map;
	for (u32 i = 0; i < f->n_rows; i++) {
		if (!memcmp(&f->rows[i].key, key, 8)) {
			f->rows[i] = f->rows[--f->n_rows];
			return 0;
		}
	}
	return -ENOENT;
}

static int fake_poll(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg,
		     bool *out_done, struct err *e)
{
	struct fake *f = self;
	int r = 0;

	(void)timeout_ms;
	(void)wake_fd;
	(void)e;
	for (u32 i = 0; !r && i < f->n_records; i++)
		r = fn(arg, f->records[i], f->sizes[i]);
	f->n_records = 0;
	*out_done = f->released && !f->keeps_running;
	return r;
}

static int fake_run_once(void *self, u32 prog, struct err *e)
{
	struct fake *f = self;

	(void)prog;
	(void)e;
	f->runs++;
	return 0;
}

static int fake_release(void *self, struct err *e)
{
	(void)e;
	((struct fake *)self)->released++;
	return 0;
}

static int fake_detach(void *self, struct err *e)
{
	(void)e;
	((struct fake *)self)->detached++;
	return 0;
}

static int fake_status(void *self)
{
	(void)self;
	return 0;
}

static const struct rt_engine fake_engine = {
	.name = "fake", .map_next = fake_next, .map_lookup = fake_lookup,
	.map_delete = fake_delete, .poll = fake_poll, .run_once = fake_run_once,
	.release = fake_release, .detach = fake_detach, .command_status = fake_status,
};

static struct rt_config config_of(struct fake *f, struct obj *o)
{
	f->obj = o;
	f->n_cpus = 2;
	return (struct rt_config){ .engine = &fake_engine, .self = f, .obj = o, .a = a, .n_cpus = 2,
				   .stop_fd = -1 };
}

static u32 u64_map(struct obj *o, struct ty_table *t, const char *name, u32 type,
		   enum obj_show show)
{
	u32 i = obj_map_add(o, str_of(name), type, 8, 8, 64);
	struct obj_map *m = &o->maps.at[i];

	m->show = show;
	if (show == OBJ_SHOW_TABLE) {
		m->key = m->value = ty_basic(t, TY_B_ULONG);
	} else {
		struct obj_field *key = vec_push(a, &m->keys);

		*key = (struct obj_field){ .kind = OBJ_F_UINT, .size = 8 };
		m->shown_value = arena_new_of(a, struct obj_field);
		*m->shown_value = (struct obj_field){ .kind = OBJ_F_INT, .size = 8 };
	}
	return i;
}

static void test_maps(void **state)
{
	static const struct { u32 type; enum obj_show show; bool json; const char *format, *want; }
	cases[] = {
		{ ISA_MAP_HASH, OBJ_SHOW_TABLE, false, NULL, "t[1]: 30\nt[2]: 20\nt[10]: 10\n" },
		{ ISA_MAP_HASH, OBJ_SHOW_TABLE, false, "t=ID {key}: {value}",
		  "ID 1: 30\tID 2: 20\tID 10: 10\n" },
		{ ISA_MAP_HASH, OBJ_SHOW_TABLE, true, NULL,
		  "{\"type\": \"map\", \"data\": {\"t\": {\"1\": 30, \"2\": 20, \"10\": 10}}}\n" },
		{ ISA_MAP_HASH, OBJ_SHOW_VALUE, false, NULL, "t[10]: 10\nt[2]: 20\nt[1]: 30\n" },
		{ ISA_MAP_PERCPU_HASH, OBJ_SHOW_COUNT, false, NULL,
		  "t[10]: 11\nt[2]: 22\nt[1]: 33\n" },
		{ ISA_MAP_PERCPU_HASH, OBJ_SHOW_TABLE, false, NULL,
		  "t[1]: [30,3]\nt[2]: [20,2]\nt[10]: [10,1]\n" },
		{ ISA_MAP_ARRAY, OBJ_SHOW_TABLE, false, NULL, "t[1]: 30\nt[2]: 20\nt[10]: 10\n" },
		{ ISA_MAP_PERCPU_HASH, OBJ_SHOW_MIN, false, NULL,
		  "t[10]: 1\nt[2]: 2\nt[1]: 3\n" },
	};
	struct ty_table *t = ty_table_new(a);

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct fake f = { .rows = { { 10, { 10, 1 } }, { 2, { 20, 2 } }, { 1, { 30, 3 } } },
				  .n_rows = 3 };

		if (cases[k].type == ISA_MAP_ARRAY)
			f.rows[f.n_rows++].key = 3;
		struct obj *o = obj_new(a, NULL);
		struct rt_config c;
		struct err e = { 0 };
		struct sbuf out;
		str format;
		u32 map = u64_map(o, t, "t", cases[k].type, cases[k].show);

		c = config_of(&f, o);
		c.json = cases[k].json;
		if (cases[k].format) {
			format = str_of(cases[k].format);
			c.map_formats = &format;
			c.n_map_formats = 1;
		}
		sbuf_init(&out, a);
		assert_int_equal(rt_print_map(&out, &c, map, &e), 0);
		expect(cases[k].want, &out, cases[k].want);
	}
}

/* ---- records and the loop --------------------------------------------------------------------- */

static int collect(void *arg, const char *bytes, size_t n)
{
	sbuf_put(arg, (str){ bytes, (u32)n });
	return 0;
}

static u32 add_event(struct obj *o, enum obj_event_kind kind, const char *format)
{
	struct obj_event *ev = vec_push(o->a, &o->events);

	ev->kind = kind;
	ev->format = str_of(format);
	ev->map = OBJ_NONE;
	return o->events.n - 1;
}

static void test_trace_styles(void **state)
{
	static const struct { enum rt_style style; bool json; const char *want; } cases[] = {
		{ RT_STYLE_TRACE, false,
		  "            bash-5412    [001] ..... 90432.904952: bpf_trace_printk: hi\n" },
		{ RT_STYLE_COLUMNS, false, "90432.904952123    bash             5412   hi\n" },
		{ RT_STYLE_PLAIN, false, "hi\n" },
		{ RT_STYLE_TRACE, true,
		  "{\"type\": \"trace\", \"data\": {\"ns\": 90432904952123, \"cpu\": 1, \"pid\": 5400, "
		  "\"tid\": 5412, \"comm\": \"bash\", \"message\": \"hi\"}}\n" },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct fake f = { 0 };
		struct obj *o = obj_new(a, NULL);
		struct rt_config c = config_of(&f, o);
		struct obj_trace_record r = { add_event(o, OBJ_EV_TRACE, "hi"), 1, 90432904952123,
					      5412, 5400, "bash" };
		struct sbuf out;

		c.style = cases[k].style;
		c.json = cases[k].json;
		sbuf_init(&out, a);
		assert_int_equal(rt_format_record(&out, &c, &r, sizeof(r)), 0);
		expect(cases[k].want, &out, cases[k].want);
	}
}

static void test_bad_records(void **state)
{
	struct fake f = { 0 };
	struct obj *o = obj_new(a, NULL);
	struct rt_config c = config_of(&f, o);
	struct obj_record r = { 5, 0 };
	struct sbuf out;

	(void)state;
	add_event(o, OBJ_EV_TRACE, "x");
	sbuf_init(&out, a);
	assert_int_equal(rt_format_record(&out, &c, &r, sizeof(r)), -EINVAL);
	r.event = 0;
	assert_int_equal(rt_format_record(&out, &c, &r, 3), -EINVAL);
	assert_int_equal(rt_format_record(&out, &c, &r, sizeof(r)), -EINVAL);
}

static void test_run(void **state)
{
	struct fake f = { 0 };
	struct obj *o = obj_new(a, NULL);
	struct rt_config c = config_of(&f, o);
	struct obj_record hello = { add_event(o, OBJ_EV_PRINTF, "hello\n"), 0 };
	struct rt_result result;
	struct err e = { 0 };
	struct sbuf out;

	(void)state;
	vec_push(a, &o->progs)->attach = STR("BEGIN");
	vec_push(a, &o->progs)->attach = STR("tracepoint:a:b");
	vec_push(a, &o->progs)->attach = STR("END");
	o->lost = obj_map_add(o, STR("lost"), ISA_MAP_PERCPU_ARRAY, 4, 8, 1);
	f.records[0] = &hello;
	f.sizes[0] = sizeof(hello);
	f.n_records = 1;
	sbuf_init(&out, a);
	c.write = collect;
	c.write_arg = &out;
	assert_int_equal(rt_run(&c, &result, &e), 0);
	expect("output", &out, "hello\n");
	assert_int_equal(f.runs, 2);
	assert_int_equal(f.released, 1);
	assert_int_equal(f.detached, 1);
	assert_int_equal(result.records, 1);
	assert_int_equal(result.lost, 7);
	assert_false(result.exit_called);
}

/* exit() before the command was released: it never runs. */
static void test_exit_in_begin(void **state)
{
	struct fake f = { .keeps_running = true };
	struct obj *o = obj_new(a, NULL);
	struct rt_config c = config_of(&f, o);
	struct { struct obj_record head; s64 code; } leave = { { 0, 0 }, 3 };
	struct rt_result result;
	struct err e = { 0 };
	u32 ev = add_event(o, OBJ_EV_EXIT, "");
	struct obj_field *code = vec_push(a, &o->events.at[ev].args);

	(void)state;
	*code = (struct obj_field){ .kind = OBJ_F_INT, .off = 8, .size = 8 };
	vec_push(a, &o->progs)->attach = STR("BEGIN");
	f.records[0] = &leave;
	f.sizes[0] = sizeof(leave);
	f.n_records = 1;
	assert_int_equal(rt_run(&c, &result, &e), 0);
	assert_true(result.exit_called);
	assert_int_equal(result.exit_code, 3);
	assert_int_equal(f.released, 0);
}

static void test_limit(void **state)
{
	struct fake f = { .keeps_running = true };
	struct obj *o = obj_new(a, NULL);
	struct rt_config c = config_of(&f, o);
	struct rt_result result;
	struct err e = { 0 };

	(void)state;
	c.limit_ns = 1000000;
	assert_int_equal(rt_run(&c, &result, &e), 0);
	assert_int_equal(f.detached, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_strings),
		cmocka_unit_test(test_format_short_record),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_trace_styles),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_exit_in_begin),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
