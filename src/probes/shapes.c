/* shapes: how the parts behind a provider's name are read and written.
 *
 * Providers share few shapes: a kernel function, a user function, a tracepoint, a span of time, …
 * Each has one parser, which fills the point from `parts` or says what the form is, and one
 * printer, which writes the parts with their colons. A parser accepts only what its printer can
 * write, so that text and point are two forms of the same thing.
 */
#include "probes/room.h"

#include <errno.h>
#include <string.h>

/* ---- reading -------------------------------------------------------------------------------- */

bool probes_is_symbol(str x, bool wild)
{
	u32 i;

	for (i = 0; i < x.n; i++) {
		char c = x.s[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (c == '_' || c == '.' || c == '$' || c == '-')
			continue;
		if (wild && (c == '*' || c == '?'))
			continue;
		return false;
	}
	return x.n > 0;
}

void probes_cut_offset(str *sym, u64 *out_off)
{
	u32 i;

	*out_off = 0;
	for (i = sym->n; i > 0; i--)
		if (sym->s[i - 1] == '+')
			break;
	if (i > 1 && i < sym->n && sym->s[i] >= '0' && sym->s[i] <= '9' &&
	    str_to_u64(str_sub(*sym, i, sym->n - i), out_off))
		*sym = str_sub(*sym, 0, i - 1);
}

int probes_shape_bare(struct probes_parser *p)
{
	if (p->n > 1 || (p->n == 1 && p->parts[0].n))
		return probes_no_form(p, "nothing comes behind the name");
	return 0;
}

int probes_shape_self(struct probes_parser *p)
{
	if (p->n != 2 || !str_is(p->parts[0], "signal") || !probes_is_symbol(p->parts[1], false))
		return probes_no_form(p, "only signals are known");
	p->out->module = p->parts[0];
	p->out->name = p->parts[1];
	return 0;
}

static int kernel_name(struct probes_parser *p)
{
	if (p->n < 1 || p->n > 2)
		return probes_no_form(p,
				      p->n ? "there are too many parts" : "no function is named");
	if (p->n == 2) {
		p->out->module = p->parts[0];
		if (!probes_is_symbol(p->parts[0], true))
			return probes_no_form(p, "the module's name is malformed");
	}
	p->out->name = p->parts[p->n - 1];
	return p->out->name.n ? 0 : probes_no_form(p, "no function is named");
}

int probes_shape_kernel(struct probes_parser *p)
{
	struct probes_point *o = p->out;
	int err = kernel_name(p);

	if (err)
		return err;
	if (o->name.s[0] >= '0' && o->name.s[0] <= '9' && str_to_u64(o->name, &o->offset) &&
	    o->offset) {
		o->name = STR("");
		return 0;
	}
	probes_cut_offset(&o->name, &o->offset);
	if (!probes_is_symbol(o->name, true))
		return probes_no_form(p, "the function's name is malformed");
	if (o->offset && probes_has_wildcard(o))
		return probes_no_form(p, "an offset needs one function, not a wildcard");
	return 0;
}

int probes_shape_kernel_plain(struct probes_parser *p)
{
	int err = kernel_name(p);
	u64 off;
	str sym = p->out->name;

	if (err)
		return err;
	probes_cut_offset(&sym, &off);
	if (sym.n != p->out->name.n)
		return probes_no_form(p, "this kind of event takes no offset");
	if (!probes_is_symbol(p->out->name, true))
		return probes_no_form(p, "the function's name is malformed");
	return 0;
}

/* [MODULE:]EVENT */
int probes_shape_event(struct probes_parser *p)
{
	if (p->n < 1 || p->n > 2 || !p->parts[p->n - 1].n)
		return probes_no_form(p,
				      p->n > 2 ? "there are too many parts" : "nothing is named");
	if (!probes_is_symbol(p->parts[p->n - 1], true) ||
	    (p->n == 2 && !probes_is_symbol(p->parts[0], true)))
		return probes_no_form(p, "the name is malformed");
	if (p->n == 2)
		p->out->module = p->parts[0];
	p->out->name = p->parts[p->n - 1];
	return 0;
}

int probes_shape_tracepoint(struct probes_parser *p)
{
	if (p->n != 2 || !p->parts[0].n || !p->parts[1].n)
		return probes_no_form(p, p->n > 2 ? "there are too many parts"
						  : "a category and an event are needed");
	return probes_shape_event(p);
}

/* PATH:SYMBOL, PATH:ADDRESS, or SYMBOL alone (the binary of the traced process). */
static int user_name(struct probes_parser *p)
{
	struct probes_point *o = p->out;

	if (p->n < 1 || p->n > 2)
		return probes_no_form(p, p->n ? "there are too many parts"
					      : "no binary and no symbol are named");
	if (p->n == 2 && !p->parts[0].n)
		return probes_no_form(p, "no binary is named");
	if (p->n == 2)
		o->path = p->parts[0];
	o->name = p->parts[p->n - 1];
	if (!o->name.n)
		return probes_no_form(p, "no symbol is named");
	if (o->name.s[0] >= '0' && o->name.s[0] <= '9') {
		if (!str_to_u64(o->name, &o->offset) || !o->offset)
			return probes_no_form(p, "the address is malformed");
		o->name = STR("");
	}
	return 0;
}

int probes_shape_user(struct probes_parser *p)
{
	struct probes_point *o = p->out;
	int err = user_name(p);

	if (err || !o->name.n)
		return err;
	probes_cut_offset(&o->name, &o->offset);
	if (o->offset && probes_has_wildcard(o))
		return probes_no_form(p, "an offset needs one function, not a wildcard");
	return 0;
}

int probes_shape_user_plain(struct probes_parser *p)
{
	int err = user_name(p);
	u64 off;
	str sym = p->out->name;

	if (err)
		return err;
	probes_cut_offset(&sym, &off);
	if (off)
		return probes_no_form(p, "this kind of event takes no offset");
	return 0;
}

int probes_shape_usdt(struct probes_parser *p)
{
	u32 i;

	if (p->n < 2 || p->n > 3)
		return probes_no_form(p, p->n > 3 ? "there are too many parts"
						  : "a binary and a probe are needed");
	for (i = 0; i < p->n; i++)
		if (!p->parts[i].n)
			return probes_no_form(p, "a part is empty");
	p->out->path = p->parts[0];
	p->out->name = p->parts[p->n - 1];
	if (p->n == 3)
		p->out->module = p->parts[1];
	return 0;
}

static const struct unit {
	const char *name;
	u64 ns;
} units[] = {
	{ "s", 1000000000 },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

static const struct unit *find_unit(str name)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(units); i++)
		if (str_is(name, units[i].name))
			return &units[i];
	return NULL;
}

/* UNIT:N, a number with its unit (1s), or nanoseconds alone. */
int probes_shape_time(struct probes_parser *p)
{
	struct probes_point *o = p->out;
	str unit = STR("ns"), number;
	const struct unit *u;
	u32 digits = 0;

	if (p->n < 1 || p->n > 2)
		return probes_no_form(p, "a unit and a number are needed");
	number = p->parts[p->n - 1];
	if (p->n == 2) {
		unit = p->parts[0];
	} else {
		while (digits < number.n && number.s[digits] >= '0' && number.s[digits] <= '9')
			digits++;
		if (digits < number.n)
			unit = str_sub(number, digits, number.n - digits);
		number = str_sub(number, 0, digits);
	}
	if (!str_to_u64(number, &o->amount) || !o->amount)
		return probes_no_form(p, "the number is malformed or zero");
	if (str_is(unit, "hz")) {
		o->is_hz = true;
		return o->amount > 1000000000 ? probes_no_form(p, "the rate is too high") : 0;
	}
	u = find_unit(unit);
	if (!u)
		return probes_no_form(p, "the unit is unknown");
	if (o->amount > UINT64_MAX / u->ns)
		return probes_no_form(p, "the time is too long");
	o->amount *= u->ns;
	return 0;
}

static int no_counter(struct probes_parser *p, bool hw)
{
	const struct probes_counter *c;
	struct nearest near;
	u32 i;

	nearest_init(&near, p->parts[0]);
	for (i = 0; (c = probes_counter_at(hw, i)); i++) {
		nearest_offer(&near, str_of(c->name));
		nearest_offer(&near, str_of(c->alias));
	}
	if (near.best.n)
		return err_set(p->e, -EINVAL, "probes",
			       "'" STR_FMT "': there is no such event; did you mean '" STR_FMT "'?",
			       STR_ARG(p->text), STR_ARG(near.best));
	return probes_no_form(p, "there is no such event");
}

int probes_shape_count(struct probes_parser *p)
{
	bool hw = p->out->provider == PROBES_HARDWARE;
	const struct probes_counter *c;

	if (p->n < 1 || p->n > 2 || !p->parts[0].n)
		return probes_no_form(p,
				      p->n > 2 ? "there are too many parts" : "no event is named");
	c = probes_counter_named(hw, p->parts[0]);
	if (!c)
		return no_counter(p, hw);
	p->out->name = str_of(c->name);
	if (p->n == 2 && p->parts[1].n &&
	    (!str_to_u64(p->parts[1], &p->out->amount) || !p->out->amount))
		return probes_no_form(p, "the count is malformed or zero");
	return 0;
}

int probes_shape_watch(struct probes_parser *p)
{
	struct probes_point *o = p->out;
	u64 len;
	u32 i;

	if (p->n != 3)
		return probes_no_form(p, "an address, a length and a mode are needed");
	if (!str_to_u64(p->parts[0], &o->offset) || !o->offset)
		return probes_no_form(p, "the address is malformed");
	if (!str_to_u64(p->parts[1], &len) || (len != 1 && len != 2 && len != 4 && len != 8))
		return probes_no_form(p, "the length is 1, 2, 4 or 8");
	o->length = (u32)len;
	o->mode = p->parts[2];
	for (i = 0; i < o->mode.n; i++)
		if (!strchr("rwx", o->mode.s[i]) || str_find(o->mode, o->mode.s[i], i + 1) >= 0)
			break;
	if (!o->mode.n || i < o->mode.n)
		return probes_no_form(p, "the mode is made of r, w and x");
	return 0;
}

/* [PATH[:NAME]] */
int probes_shape_path_name(struct probes_parser *p)
{
	if (p->n > 2)
		return probes_no_form(p, "there are too many parts");
	p->out->path = p->parts[0];
	p->out->name = p->parts[1];
	if (p->out->name.n && !probes_is_symbol(p->out->name, false))
		return probes_no_form(p, "the last part is malformed");
	return 0;
}

/* NAME[:PATH] */
int probes_shape_name_path(struct probes_parser *p)
{
	if (p->n < 1 || p->n > 2 || !p->parts[0].n)
		return probes_no_form(p,
				      p->n > 2 ? "there are too many parts" : "nothing is named");
	p->out->name = p->parts[0];
	p->out->path = p->parts[1];
	return 0;
}

int probes_shape_rest(struct probes_parser *p)
{
	if (p->n != 1 || !p->parts[0].n)
		return probes_no_form(p, "one section is needed (quote its colons)");
	p->out->name = p->parts[0];
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* A part with its colon, in quotes where it could not be read back otherwise. */
static void show(struct sbuf *out, str part)
{
	bool plain = true;
	u32 i;

	for (i = 0; i < part.n; i++)
		if (strchr(":\"\\,{} ", part.s[i]))
			plain = false;
	sbuf_putc(out, ':');
	if (plain) {
		sbuf_put(out, part);
		return;
	}
	sbuf_putc(out, '"');
	for (i = 0; i < part.n; i++) {
		if (part.s[i] == '"' || part.s[i] == '\\')
			sbuf_putc(out, '\\');
		sbuf_putc(out, part.s[i]);
	}
	sbuf_putc(out, '"');
}

void probes_show_bare(struct sbuf *out, const struct probes_point *p)
{
	(void)out, (void)p;
}

static void show_symbol(struct sbuf *out, const struct probes_point *p)
{
	if (!p->name.n && p->offset) {
		sbuf_printf(out, ":0x%llx", (unsigned long long)p->offset);
		return;
	}
	show(out, p->name);
	if (p->offset)
		sbuf_printf(out, "+0x%llx", (unsigned long long)p->offset);
}

void probes_show_kernel(struct sbuf *out, const struct probes_point *p)
{
	if (p->module.n)
		show(out, p->module);
	show_symbol(out, p);
}

void probes_show_user(struct sbuf *out, const struct probes_point *p)
{
	if (p->path.n)
		show(out, p->path);
	show_symbol(out, p);
}

void probes_show_usdt(struct sbuf *out, const struct probes_point *p)
{
	show(out, p->path);
	if (p->module.n)
		show(out, p->module);
	show(out, p->name);
}

void probes_show_time(struct sbuf *out, const struct probes_point *p)
{
	u32 i = 0;

	if (p->is_hz) {
		sbuf_printf(out, ":hz:%llu", (unsigned long long)p->amount);
		return;
	}
	while (i + 1 < ARRAY_LEN(units) && p->amount % units[i].ns)
		i++;
	sbuf_printf(out, ":%s:%llu", units[i].name, (unsigned long long)(p->amount / units[i].ns));
}

void probes_show_count(struct sbuf *out, const struct probes_point *p)
{
	show(out, p->name);
	if (p->amount)
		sbuf_printf(out, ":%llu", (unsigned long long)p->amount);
}

void probes_show_watch(struct sbuf *out, const struct probes_point *p)
{
	sbuf_printf(out, ":0x%llx:%u", (unsigned long long)p->offset, p->length);
	show(out, p->mode);
}

void probes_show_path_name(struct sbuf *out, const struct probes_point *p)
{
	if (p->path.n || p->name.n)
		show(out, p->path);
	if (p->name.n)
		show(out, p->name);
}

void probes_show_name_path(struct sbuf *out, const struct probes_point *p)
{
	show(out, p->name);
	if (p->path.n)
		show(out, p->path);
}

void probes_show_rest(struct sbuf *out, const struct probes_point *p)
{
	show(out, p->name);
}
