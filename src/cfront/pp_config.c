/* pp_config: CONFIG_x of the kernel that the program will run on.
 *
 * Programs ask with #ifdef how their kernel was built. The answer is read from /proc/config.gz, or
 * from the file that distributions put beside the kernel, when the first such name is met; most
 * programs never cost that. Lines are `CONFIG_x=y`, `=m`, a number or a string; as in the kernel's
 * own headers =y makes CONFIG_x 1 and =m makes CONFIG_x_MODULE 1.
 *
 * Where there is no machine (tests) or it tells nothing, what every kernel with BTF for this
 * architecture has is taken as set, and the rest as not set.
 */
#include "cfront/pp.h"

#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#define MAX_CONFIG (4u << 20)

static void close_file(void *f)
{
	gzclose(f);
}

/* Reads a plain or compressed file; false if it is not there. */
static bool read_text(struct pp *pp, const char *path)
{
	struct trap_guard guard;
	struct sbuf text;
	char piece[8192];
	gzFile f;
	int n;

	f = gzopen(path, "rb");
	if (!f)
		return false;
	trap_guard_push(arena_trap(pp->a), &guard, close_file, f);
	sbuf_init(&text, pp->a);
	/* A line's beginning is found by the newline before it. */
	sbuf_putc(&text, '\n');
	while (text.n < MAX_CONFIG && (n = gzread(f, piece, sizeof(piece))) > 0)
		sbuf_put(&text, (str){ piece, (u32)n });
	trap_guard_pop(arena_trap(pp->a));
	gzclose(f);
	pp->config = sbuf_str(&text);
	pp->has_config = text.n > 1;
	return pp->has_config;
}

static void read_config(struct pp *pp)
{
	static const struct {
		const char *before, *after;
	} places[] = {
		{ "/boot/config-", "" },
		{ "/lib/modules/", "/config" },
		{ "/usr/lib/modules/", "/config" },
	};
	struct utsname uts;

	pp->is_config_read = true;
	if (!pp->o->machine || read_text(pp, "/proc/config.gz") || uname(&uts))
		return;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		str path =
			str_printf(pp->a, "%s%s%s", places[i].before, uts.release, places[i].after);

		if (read_text(pp, path.s))
			return;
	}
}

/* What stands behind `NAME=` in the configuration; false if there is no such line. */
static bool find_line(const struct pp *pp, str name, str *out_value)
{
	const char *p = pp->config.s, *end = p + pp->config.n;

	while ((p = memmem(p, (size_t)(end - p), name.s, name.n))) {
		const char *value = p + name.n, *stop;

		if (p[-1] != '\n' || value == end || *value != '=') {
			p++;
			continue;
		}
		value++;
		stop = memchr(value, '\n', (size_t)(end - value));
		*out_value = (str){ value, (u32)((stop ? stop : end) - value) };
		return true;
	}
	return false;
}

static bool is_assumed(str name)
{
	static const char *const always[] = {
		"CONFIG_64BIT",
		"CONFIG_ARCH_HAS_SYSCALL_WRAPPER",
		"CONFIG_BPF",
		"CONFIG_BPF_SYSCALL",
		"CONFIG_CGROUPS",
		"CONFIG_DEBUG_INFO_BTF",
		"CONFIG_MMU",
		"CONFIG_NET",
		"CONFIG_NET_NS",
		"CONFIG_SMP",
#if defined(__x86_64__)
		"CONFIG_X86",
		"CONFIG_X86_64",
#elif defined(__aarch64__)
		"CONFIG_ARM64",
#endif
	};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (str_is(name, always[i]))
			return true;
	return false;
}

bool pp_config(struct pp *pp, str name, str *out_value)
{
	str value;

	if (!pp->is_config_read)
		read_config(pp);
	*out_value = STR("1");
	if (!pp->has_config)
		return is_assumed(name);
	if (find_line(pp, name, &value)) {
		if (!str_is(value, "y"))
			*out_value = value;
		return !str_is(value, "m") && !str_is(value, "n");
	}
	if (!str_ends(name, "_MODULE"))
		return false;
	name.n -= (u32)strlen("_MODULE");
	return find_line(pp, name, &value) && str_is(value, "m");
}
