/* parse: the text of an attach point, in and out.
 *
 * "kprobe:tcp_connect" is cut at its colons (double quotes protect, `\` escapes inside them), the
 * first part picks a row of the table of providers, and the row's shape (shapes.c) reads the rest.
 * Printing goes the same way back: what probes_print writes, probes_parse reads as the same point.
 *
 * Names of providers are taken in any case, with one exception that bpftrace made: `U` alone is
 * usdt and `u` is uprobe. Sections of libbpf's ("kprobe/tcp_connect") are in section.c.
 *
 * Whether such an event exists is not asked here (list.c).
 */
#include "probes/room.h"

#include <errno.h>
#include <strings.h>

#define P(name) ISA_PROG_##name
#define A(name) ISA_ATTACH_##name
#define NO	PROBES_NO_ATTACH

/* A point of no kernel event is loaded as a raw tracepoint: the kernel can run those on demand. */
static const struct probes_kind kinds[PROBES_N_PROVIDERS] = {
	[PROBES_BEGIN] = { "BEGIN", "begin", "BEGIN", probes_shape_bare, probes_show_bare,
			   P(RAW_TRACEPOINT), NO },
	[PROBES_END] = { "END", "end", "END", probes_shape_bare, probes_show_bare,
			 P(RAW_TRACEPOINT), NO },
	[PROBES_SELF] = { "self", "", "self:signal:SIGUSR1", probes_shape_self, probes_show_kernel,
			  P(RAW_TRACEPOINT), NO },
	[PROBES_KPROBE] = { "kprobe", "k", "kprobe:[MODULE:]FUNC[+OFFSET]", probes_shape_kernel,
			    probes_show_kernel, P(KPROBE), NO },
	[PROBES_KRETPROBE] = { "kretprobe", "kr", "kretprobe:[MODULE:]FUNC",
			       probes_shape_kernel_plain, probes_show_kernel, P(KPROBE), NO },
	[PROBES_FENTRY] = { "fentry", "f kfunc", "fentry:[MODULE:]FUNC", probes_shape_kernel_plain,
			    probes_show_kernel, P(TRACING), A(TRACE_FENTRY) },
	[PROBES_FEXIT] = { "fexit", "fr kretfunc", "fexit:[MODULE:]FUNC", probes_shape_kernel_plain,
			   probes_show_kernel, P(TRACING), A(TRACE_FEXIT) },
	[PROBES_FMOD_RET] = { "fmod_ret", "kmod_ret", "fmod_ret:[MODULE:]FUNC",
			      probes_shape_kernel_plain, probes_show_kernel, P(TRACING),
			      A(MODIFY_RETURN) },
	[PROBES_UPROBE] = { "uprobe", "u", "uprobe:PATH:SYMBOL[+OFFSET]", probes_shape_user,
			    probes_show_user, P(KPROBE), NO },
	[PROBES_URETPROBE] = { "uretprobe", "ur", "uretprobe:PATH:SYMBOL", probes_shape_user_plain,
			       probes_show_user, P(KPROBE), NO },
	[PROBES_USDT] = { "usdt", "", "usdt:PATH:[NAMESPACE:]NAME", probes_shape_usdt,
			  probes_show_usdt, P(KPROBE), NO },
	[PROBES_TRACEPOINT] = { "tracepoint", "t tp", "tracepoint:CATEGORY:EVENT",
				probes_shape_tracepoint, probes_show_kernel, P(TRACEPOINT), NO },
	[PROBES_RAW_TRACEPOINT] = { "raw_tracepoint", "rt raw_tp rawtracepoint",
				    "raw_tracepoint:EVENT", probes_shape_event, probes_show_kernel,
				    P(RAW_TRACEPOINT), NO },
	[PROBES_TP_BTF] = { "tp_btf", "", "tp_btf:EVENT", probes_shape_event, probes_show_kernel,
			    P(TRACING), A(TRACE_RAW_TP) },
	[PROBES_KSYSCALL] = { "ksyscall", "", "ksyscall:NAME", probes_shape_event,
			      probes_show_kernel, P(KPROBE), NO },
	[PROBES_KRETSYSCALL] = { "kretsyscall", "", "kretsyscall:NAME", probes_shape_event,
				 probes_show_kernel, P(KPROBE), NO },
	[PROBES_PROFILE] = { "profile", "p", "profile:UNIT:N with the unit hz, s, ms, us or ns",
			     probes_shape_time, probes_show_time, P(PERF_EVENT), NO },
	[PROBES_INTERVAL] = { "interval", "i", "interval:UNIT:N with the unit hz, s, ms, us or ns",
			      probes_shape_time, probes_show_time, P(RAW_TRACEPOINT), NO },
	[PROBES_SOFTWARE] = { "software", "s", "software:EVENT[:COUNT]", probes_shape_count,
			      probes_show_count, P(PERF_EVENT), NO },
	[PROBES_HARDWARE] = { "hardware", "h", "hardware:EVENT[:COUNT]", probes_shape_count,
			      probes_show_count, P(PERF_EVENT), NO },
	[PROBES_WATCHPOINT] = { "watchpoint", "w", "watchpoint:ADDRESS:LENGTH:MODE",
				probes_shape_watch, probes_show_watch, P(PERF_EVENT), NO },
	[PROBES_ITER] = { "iter", "it", "iter:TYPE[:PIN]", probes_shape_name_path,
			  probes_show_name_path, P(TRACING), A(TRACE_ITER) },
	[PROBES_LSM] = { "lsm", "", "lsm:HOOK", probes_shape_event, probes_show_kernel, P(LSM),
			 A(LSM_MAC) },
	[PROBES_SOCKET_FILTER] = { "socket_filter", "socket", "socket_filter[:DEVICE]",
				   probes_shape_path_name, probes_show_path_name, P(SOCKET_FILTER),
				   NO },
	[PROBES_XDP] = { "xdp", "", "xdp[:DEVICE[:KIND]]", probes_shape_path_name,
			 probes_show_path_name, P(XDP), A(XDP) },
	[PROBES_TC] = { "tc", "tcx", "tc[:DEVICE[:DIRECTION]]", probes_shape_path_name,
			probes_show_path_name, P(SCHED_CLS), NO },
	[PROBES_CGROUP] = { "cgroup", "", "cgroup:HOOK[:PATH]", probes_shape_name_path,
			    probes_show_name_path, P(CGROUP_SKB), NO },
	[PROBES_OTHER] = { "other", "", "other:SECTION", probes_shape_rest, probes_show_rest, 0,
			   NO },
};

#undef P
#undef A
#undef NO

const struct probes_kind *probes_kind(enum probes_provider p)
{
	return (u32)p < PROBES_N_PROVIDERS ? &kinds[p] : &kinds[PROBES_OTHER];
}

const char *probes_provider_name(enum probes_provider p)
{
	return probes_kind(p)->name;
}

static bool same_word(str a, const char *b, u32 n)
{
	return a.n == n && strncasecmp(a.s, b, n) == 0;
}

/* Is `name` one of the blank-separated words? */
static bool in_words(str name, const char *words)
{
	str rest = str_of(words), word;

	while (rest.n) {
		word = str_cut(&rest, ' ');
		if (same_word(name, word.s, word.n))
			return true;
	}
	return false;
}

int probes_find_provider(str name)
{
	u32 i;

	if (str_is(name, "U"))
		return PROBES_USDT;
	for (i = 0; name.n && i < PROBES_N_PROVIDERS; i++)
		if (same_word(name, kinds[i].name, str_of(kinds[i].name).n) ||
		    in_words(name, kinds[i].alias))
			return (int)i;
	return -1;
}

static int no_provider(str text, str name, struct err *e)
{
	struct nearest near;
	u32 i;

	nearest_init(&near, name);
	for (i = 0; i < PROBES_N_PROVIDERS; i++)
		nearest_offer(&near, str_of(kinds[i].name));
	if (near.best.n)
		return err_set(e, -EINVAL, "probes",
			       "'" STR_FMT "': there is no kind of event '" STR_FMT
			       "'; did you mean '" STR_FMT "'?",
			       STR_ARG(text), STR_ARG(name), STR_ARG(near.best));
	return err_set(e, -EINVAL, "probes",
		       "'" STR_FMT "': there is no kind of event '" STR_FMT
		       "'; an attach point looks like kprobe:FUNC or tracepoint:CATEGORY:EVENT",
		       STR_ARG(text), STR_ARG(name));
}

/* Reads one part up to a colon outside quotes; false when a quote is not closed. */
static bool read_part(struct arena *a, str text, u32 *at, str *out)
{
	struct sbuf b;
	bool quoted = false;
	u32 i = *at;

	sbuf_init(&b, a);
	for (; i < text.n && (quoted || text.s[i] != ':'); i++) {
		if (text.s[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && text.s[i] == '\\' && i + 1 < text.n)
			i++;
		sbuf_putc(&b, text.s[i]);
	}
	*at = i;
	*out = sbuf_str(&b);
	return !quoted;
}

int probes_no_form(struct probes_parser *p, const char *why)
{
	const struct probes_kind *k = probes_kind(p->out->provider);

	return err_set(p->e, -EINVAL, "probes", "'" STR_FMT "': %s; write %s", STR_ARG(p->text),
		       why, k->form);
}

static int split(struct probes_parser *p, u32 at)
{
	while (at < p->text.n) {
		at++;
		if (p->n == PROBES_MAX_PARTS)
			return probes_no_form(p, "there are too many parts");
		if (!read_part(p->a, p->text, &at, &p->parts[p->n++]))
			return err_set(p->e, -EINVAL, "probes",
				       "'" STR_FMT "': a double quote is not closed",
				       STR_ARG(p->text));
	}
	return 0;
}

static bool is_clean(str text)
{
	u32 i;

	for (i = 0; i < text.n; i++)
		if ((u8)text.s[i] < ' ' || text.s[i] == 0x7f)
			return false;
	return true;
}

int probes_parse(struct arena *a, str text, struct probes_point *out, struct err *e)
{
	struct probes_parser p = { .a = a, .out = out, .e = e };
	int found, err;
	str name;
	u32 at = 0;

	*out = (struct probes_point){ 0 };
	p.text = text = str_trim(text);
	if (!text.n)
		return err_set(e, -EINVAL, "probes", "the attach point is empty");
	if (text.n > 4096 || !is_clean(text))
		return err_set(e, -EINVAL, "probes",
			       "an attach point has at most 4096 bytes and no control characters");
	if (!read_part(a, text, &at, &name))
		return err_set(e, -EINVAL, "probes", "'" STR_FMT "': a double quote is not closed",
			       STR_ARG(text));
	found = probes_find_provider(name);
	if (found < 0)
		return no_provider(text, name, e);
	out->provider = (enum probes_provider)found;
	err = split(&p, at);
	return err ? err : kinds[found].parse(&p);
}

void probes_print(struct sbuf *out, const struct probes_point *p)
{
	const struct probes_kind *k = probes_kind(p->provider);

	sbuf_puts(out, k->name);
	k->print(out, p);
}

static bool is_wild(str x)
{
	return str_find(x, '*', 0) >= 0 || str_find(x, '?', 0) >= 0;
}

bool probes_has_wildcard(const struct probes_point *p)
{
	if (p->provider == PROBES_OTHER || p->provider == PROBES_CGROUP)
		return false;
	return is_wild(p->module) || is_wild(p->name) || is_wild(p->path);
}
