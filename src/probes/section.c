/* section: libbpf's section names as attach points, and what a point is loaded as.
 *
 * isa knows which program and attach type SEC("kprobe/do_exit") means; here its prefix picks the
 * provider and the part behind the slash becomes the point's name. Sections that have no provider
 * of their own (struct_ops, freplace, sk_lookup, …) become PROBES_OTHER and keep their whole text,
 * so that their types are found again.
 *
 * A section may leave the target out (SEC("kprobe")): the point then has no name, and the program
 * can be loaded but not attached.
 */
#include "probes/room.h"

#include <errno.h>
#include <string.h>

/* How the text behind the slash is read. */
enum target { T_SYMBOL, T_SLASH, T_PATH, T_USDT, T_NAME, T_NONE, T_XDP, T_TC };

static const struct row {
	const char *prefix;
	enum probes_provider provider;
	enum target target;
} rows[] = {
	{ "kprobe", PROBES_KPROBE, T_SYMBOL },
	{ "kretprobe", PROBES_KRETPROBE, T_SYMBOL },
	{ "kprobe.multi", PROBES_KPROBE, T_SYMBOL },
	{ "kretprobe.multi", PROBES_KRETPROBE, T_SYMBOL },
	{ "ksyscall", PROBES_KSYSCALL, T_NAME },
	{ "kretsyscall", PROBES_KRETSYSCALL, T_NAME },
	{ "uprobe", PROBES_UPROBE, T_PATH },
	{ "uretprobe", PROBES_URETPROBE, T_PATH },
	{ "uprobe.multi", PROBES_UPROBE, T_PATH },
	{ "uretprobe.multi", PROBES_URETPROBE, T_PATH },
	{ "usdt", PROBES_USDT, T_USDT },
	{ "tracepoint", PROBES_TRACEPOINT, T_SLASH },
	{ "tp", PROBES_TRACEPOINT, T_SLASH },
	{ "raw_tracepoint", PROBES_RAW_TRACEPOINT, T_NAME },
	{ "raw_tp", PROBES_RAW_TRACEPOINT, T_NAME },
	{ "tp_btf", PROBES_TP_BTF, T_NAME },
	{ "fentry", PROBES_FENTRY, T_SYMBOL },
	{ "fexit", PROBES_FEXIT, T_SYMBOL },
	{ "fmod_ret", PROBES_FMOD_RET, T_SYMBOL },
	{ "lsm", PROBES_LSM, T_NAME },
	{ "iter", PROBES_ITER, T_NAME },
	{ "socket", PROBES_SOCKET_FILTER, T_NONE },
	{ "xdp", PROBES_XDP, T_XDP },
	{ "xdp.frags", PROBES_XDP, T_XDP },
	{ "xdp/devmap", PROBES_XDP, T_XDP },
	{ "xdp/cpumap", PROBES_XDP, T_XDP },
	{ "xdp.frags/devmap", PROBES_XDP, T_XDP },
	{ "xdp.frags/cpumap", PROBES_XDP, T_XDP },
	{ "xdp_devmap", PROBES_XDP, T_XDP },
	{ "xdp_cpumap", PROBES_XDP, T_XDP },
	{ "tc", PROBES_TC, T_TC },
	{ "classifier", PROBES_TC, T_TC },
	{ "tc/ingress", PROBES_TC, T_TC },
	{ "tc/egress", PROBES_TC, T_TC },
	{ "tcx/ingress", PROBES_TC, T_TC },
	{ "tcx/egress", PROBES_TC, T_TC },
};

/* The row of isa's prefix; a sleepable section (".s") is the provider of the plain one. */
static const struct row *find_row(str prefix)
{
	u32 i;

	if (str_ends(prefix, ".s"))
		prefix.n -= 2;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(prefix, rows[i].prefix))
			return &rows[i];
	return NULL;
}

/* The last part of a prefix that says which kind: "xdp/devmap" and "xdp_devmap" are devmap. */
static str kind_of(str prefix)
{
	u32 i;

	for (i = prefix.n; i > 0; i--)
		if (prefix.s[i - 1] == '/' || prefix.s[i - 1] == '_')
			return str_sub(prefix, i, prefix.n - i);
	return STR("");
}

static int bad_target(str section, const char *form, struct err *e)
{
	return err_set(e, -EINVAL, "probes",
		       "section '" STR_FMT "': its target is malformed; write %s", STR_ARG(section),
		       form);
}

static int read_path(str section, str target, struct probes_point *out, struct err *e)
{
	u32 i = target.n;

	while (i > 0 && target.s[i - 1] != ':')
		i--;
	if (i < 2 || i == target.n)
		return bad_target(section, "uprobe/PATH:SYMBOL", e);
	out->path = str_sub(target, 0, i - 1);
	out->name = str_sub(target, i, target.n - i);
	probes_cut_offset(&out->name, &out->offset);
	return 0;
}

static int read_usdt(str section, str target, struct probes_point *out, struct err *e)
{
	str rest = target;

	out->path = str_cut(&rest, ':');
	out->module = str_cut(&rest, ':');
	out->name = rest;
	if (!out->path.n || !out->module.n || !out->name.n)
		return bad_target(section, "usdt/PATH:NAMESPACE:NAME", e);
	return 0;
}

static int read_target(const struct row *row, str section, str prefix, str target,
		       struct probes_point *out, struct err *e)
{
	switch (row->target) {
	case T_SYMBOL:
		out->name = target;
		probes_cut_offset(&out->name, &out->offset);
		break;
	case T_SLASH:
		out->name = target;
		if (!target.n)
			return 0;
		out->module = str_cut(&out->name, '/');
		if (!out->name.n || !probes_is_symbol(out->module, true))
			return bad_target(section, "tracepoint/CATEGORY/EVENT", e);
		break;
	case T_PATH: return target.n ? read_path(section, target, out, e) : 0;
	case T_USDT: return target.n ? read_usdt(section, target, out, e) : 0;
	case T_NAME: out->name = target; break;
	case T_XDP:
	case T_TC: out->name = kind_of(prefix); return 0;
	case T_NONE: return 0;
	}
	if ((target.n || out->module.n) && !probes_is_symbol(out->name, true))
		return bad_target(section, probes_kind(row->provider)->form, e);
	return 0;
}

static int no_section(str section, struct err *e)
{
	struct nearest near;
	u32 i;

	nearest_init(&near, section);
	for (i = 0; i < isa_section_count(); i++)
		nearest_offer(&near, str_of(isa_section_at(i)->prefix));
	if (near.best.n)
		return err_set(e, -EINVAL, "probes",
			       "section '" STR_FMT "' is unknown; did you mean '" STR_FMT "'?",
			       STR_ARG(section), STR_ARG(near.best));
	return err_set(e, -EINVAL, "probes",
		       "section '" STR_FMT
		       "' is unknown; a section looks like kprobe/FUNC or tp/CATEGORY/EVENT",
		       STR_ARG(section));
}

int probes_parse_section(struct arena *a, str section, struct probes_point *out, struct err *e)
{
	const struct isa_section *sec;
	const struct row *row;
	str target, prefix;

	*out = (struct probes_point){ 0 };
	if (section.n && section.s[0] == '?')
		section = str_sub(section, 1, section.n - 1);
	section = str_dup(a, section);
	sec = isa_section_match(section, &target);
	if (!sec)
		return no_section(section, e);
	prefix = str_of(sec->prefix);
	if (str_starts(prefix, "cgroup/") || str_starts(prefix, "cgroup_")) {
		out->provider = PROBES_CGROUP;
		out->name = str_sub(section, 7, section.n - 7);
		return 0;
	}
	row = find_row(prefix);
	out->provider = row ? row->provider : PROBES_OTHER;
	if (!row) {
		out->name = section;
		return 0;
	}
	return read_target(row, section, prefix, target, out, e);
}

/* ---- what a point is loaded as -------------------------------------------------------------- */

/* The section that has the same types, for hooks of control groups and for PROBES_OTHER. */
static const struct isa_section *section_of(const struct probes_point *p)
{
	static const char *const groups[] = { "", "cgroup/", "cgroup_" };
	const struct isa_section *sec;
	char text[128];
	str target;
	u32 i;

	for (i = 0; i < ARRAY_LEN(groups); i++) {
		u32 n = str_of(groups[i]).n;

		bool is_whole = p->provider == PROBES_OTHER || str_is(p->name, "sockops");

		if (is_whole != (i == 0) || n + p->name.n > sizeof(text))
			continue;
		memcpy(text, groups[i], n);
		memcpy(text + n, p->name.s, p->name.n);
		sec = isa_section_match((str){ text, n + p->name.n }, &target);
		if (sec)
			return sec;
	}
	return NULL;
}

void probes_types(const struct probes_point *p, u32 *out_prog_type, u32 *out_attach_type)
{
	const struct probes_kind *k = probes_kind(p->provider);
	const struct isa_section *sec = NULL;

	*out_prog_type = k->prog;
	*out_attach_type = k->attach;
	switch (p->provider) {
	case PROBES_XDP:
		if (str_is(p->name, "devmap"))
			*out_attach_type = ISA_ATTACH_XDP_DEVMAP;
		else if (str_is(p->name, "cpumap"))
			*out_attach_type = ISA_ATTACH_XDP_CPUMAP;
		break;
	case PROBES_TC:
		if (str_is(p->name, "ingress"))
			*out_attach_type = ISA_ATTACH_TCX_INGRESS;
		else if (str_is(p->name, "egress"))
			*out_attach_type = ISA_ATTACH_TCX_EGRESS;
		break;
	case PROBES_CGROUP:
	case PROBES_OTHER: sec = section_of(p); break;
	default: break;
	}
	if (sec) {
		*out_prog_type = sec->prog;
		*out_attach_type = sec->attach;
	}
}
