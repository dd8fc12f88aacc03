/* names.c: what numbers stand for: users, cgroups, addresses of networks, times.
 *
 * Each list is read when the first number of its kind is printed, and kept: a run that prints none reads nothing. A number
 * without a name stays a number, so that nothing is lost. Symbols are in ksyms.c and usyms.c.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rt/rt_private.h"

struct user {
	u32 uid;
	str name;
};

struct cgroup {
	u64 id;
	str path; /* below the mount, with its leading slash */
};

struct rt_names {
	struct arena *a;
	struct rt_ksyms *ksyms;
	struct rt_usyms *usyms;
	vec(struct user) users;
	vec(struct cgroup) cgroups;
	bool has_users, has_cgroups;
};

struct rt_names *rt_names_new(struct arena *a)
{
	struct rt_names *n = arena_new_of(a, struct rt_names);

	n->a = a;
	return n;
}

void rt_names_free(struct rt_names *n)
{
	if (n && n->usyms)
		rt_usyms_free(n->usyms);
}

void rt_names_refresh(struct rt_names *n)
{
	if (n && n->usyms)
		rt_usyms_refresh(n->usyms);
}

struct rt_ksyms *rt_ksyms_of(struct rt_names *n)
{
	if (!n->ksyms)
		n->ksyms = rt_ksyms_new(n->a);
	return n->ksyms;
}

struct rt_usyms *rt_usyms_of(struct rt_names *n)
{
	if (!n->usyms)
		n->usyms = rt_usyms_new(n->a);
	return n->usyms;
}

/* ---- users ---------------------------------------------------------------------------------- */

static void close_file(void *file)
{
	fclose(file);
}

static void close_dir(void *dir)
{
	closedir(dir);
}

/* "name:password:uid:…" (passwd(5)); the C library's own reader would bring modules into a static binary. */
static void read_users(struct rt_names *n)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct trap_guard guard;
	char line[1024];

	n->has_users = true;
	if (!f)
		return;
	trap_guard_push(arena_trap(n->a), &guard, close_file, f);
	while (fgets(line, sizeof(line), f)) {
		str rest = str_of(line), name = str_cut(&rest, ':'), uid;
		char *end;
		u64 id;

		str_cut(&rest, ':');
		uid = str_cut(&rest, ':');
		id = uid.n ? strtoull(uid.s, &end, 10) : ~0ull;
		if (id <= 0xffffffffu)
			*vec_push(n->a, &n->users) = (struct user){ (u32)id, str_dup(n->a, name) };
	}
	trap_guard_pop(arena_trap(n->a));
	fclose(f);
}

void rt_name_user(struct sbuf *out, struct rt_names *n, u32 uid)
{
	if (n && !n->has_users)
		read_users(n);
	for (u32 i = 0; n && i < n->users.n; i++) {
		if (n->users.at[i].uid == uid) {
			sbuf_put(out, n->users.at[i].name);
			return;
		}
	}
	sbuf_printf(out, "%u", uid);
}

/* ---- cgroups -------------------------------------------------------------------------------- */

/* A cgroup's id is the inode number of its directory (the first 8 bytes of its file handle on 64-bit machines). */
static void read_groups(struct rt_names *n, const char *mount, str path, u32 depth)
{
	struct trap_guard guard;
	char full[4096];
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (snprintf(full, sizeof(full), "%s" STR_FMT, mount, STR_ARG(path)) >= (int)sizeof(full) ||
	    stat(full, &st) || depth > 64)
		return;
	*vec_push(n->a, &n->cgroups) = (struct cgroup){ st.st_ino, path.n ? path : STR("/") };
	dir = opendir(full);
	if (!dir)
		return;
	trap_guard_push(arena_trap(n->a), &guard, close_dir, dir);
	while ((d = readdir(dir))) {
		if (d->d_type == DT_DIR && d->d_name[0] != '.')
			read_groups(n, mount,
				    str_printf(n->a, STR_FMT "/%s", STR_ARG(path), d->d_name),
				    depth + 1);
	}
	trap_guard_pop(arena_trap(n->a));
	closedir(dir);
}

static const char *group_mount(void)
{
	struct stat st;

	return stat("/sys/fs/cgroup/unified/cgroup.procs", &st) == 0 ? "/sys/fs/cgroup/unified"
								     : "/sys/fs/cgroup";
}

static const struct cgroup *find_group(struct rt_names *n, u64 id)
{
	for (u32 i = 0; i < n->cgroups.n; i++)
		if (n->cgroups.at[i].id == id)
			return &n->cgroups.at[i];
	return NULL;
}

/* "unified:/path", as bpftrace writes the hierarchy and the path; new groups are looked for once a question. */
void rt_name_cgroup(struct sbuf *out, struct rt_names *n, u64 id, str pattern)
{
	const struct cgroup *g = n ? find_group(n, id) : NULL;

	if (n && !g) {
		n->cgroups.n = 0;
		read_groups(n, group_mount(), STR(""), 0);
		g = find_group(n, id);
	}
	if (g && pattern.n && fnmatch(str_z(out->a, pattern), "unified", 0))
		g = NULL;
	else if (!g)
		sbuf_printf(out, "%llu", (unsigned long long)id);
	if (g)
		sbuf_printf(out, "unified:" STR_FMT, STR_ARG(g->path));
}

/* ---- networks and times ------------------------------------------------------------------------ */

void rt_name_inet(struct sbuf *out, u64 family, const void *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if ((family == AF_INET || family == AF_INET6) &&
	    inet_ntop((int)family, address, text, sizeof(text)))
		sbuf_puts(out, text);
	else
		sbuf_printf(out, "(address family %llu)", (unsigned long long)family);
}

void rt_name_mac(struct sbuf *out, const u8 *mac)
{
	for (u32 i = 0; i < 6; i++)
		sbuf_printf(out, "%s%02X", i ? ":" : "", mac[i]);
}

/* %f (microseconds), %k (nanoseconds) and %l (milliseconds) are bpftrace's own; the rest is strftime's. */
static str own_conversions(struct arena *a, str format, u64 ns)
{
	struct sbuf text;

	sbuf_init(&text, a);
	for (u32 i = 0; i < format.n; i++) {
		char next = format.s[i] == '%' && i + 1 < format.n ? format.s[i + 1] : 0;

		if (next == 'f')
			sbuf_printf(&text, "%06llu", (unsigned long long)(ns / 1000));
		else if (next == 'l')
			sbuf_printf(&text, "%03llu", (unsigned long long)(ns / 1000000));
		else if (next == 'k')
			sbuf_printf(&text, "%09llu", (unsigned long long)ns);
		else if (next)
			sbuf_printf(&text, "%%%c", next);
		else
			sbuf_putc(&text, format.s[i]);
		i += next != 0;
	}
	return sbuf_str(&text);
}

static u64 clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

void rt_name_time(struct sbuf *out, u64 boot_ns, str format)
{
	u64 ns = boot_ns + clock_now(CLOCK_REALTIME) - clock_now(CLOCK_BOOTTIME);
	time_t seconds = (time_t)(ns / 1000000000ull);
	char text[512];
	struct tm tm;
	size_t n;

	if (!boot_ns) {
		sbuf_puts(out, "(?)");
		return;
	}
	localtime_r(&seconds, &tm);
	n = strftime(text, sizeof(text),
		     str_z(out->a, own_conversions(out->a, format, ns % 1000000000ull)), &tm);
	sbuf_put(out, (str){ text, (u32)n });
}
