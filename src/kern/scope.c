/* scope: which processes the programs see.
 *
 * A command gets a cgroup of its own below the one that skep is in, since cgroup v2 membership is
 * inherited by children before they run and survives whatever they do; the program then compares
 * bpf_get_current_ancestor_cgroup_id(level) with the group's id. Where there is no cgroup v2 that
 * may be written, or the helper is missing in tracing programs (before Linux 5.7), and for
 * processes that run already, the set is a map of thread group ids.
 *
 * The level counts from the kernel's root, which a cgroup namespace hides: there, a program that is
 * run once tells how many ancestors skep's own group has.
 *
 * The directory of a group is held open with flock. On close its processes are moved up and it is
 * removed; a skep that was killed leaves an empty directory with no lock at most, which the next
 * one in the same place removes.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX	       "skep-"
#define INIT_CGROUP_NS 0xeffffffbull /* PROC_CGROUP_INIT_INO of the kernel */

/* ---- where skep is -------------------------------------------------------------------------- */

/* The path of skep's own group below the mount: the line "0::/path" of /proc/self/cgroup. */
static str own_path(struct arena *a)
{
	str text, line;

	if (base_read_file(a, "/proc/self/cgroup", 1 << 20, &text, NULL))
		return STR("");
	while (text.n) {
		line = str_cut(&text, '\n');
		if (str_starts(line, "0::"))
			return str_sub(line, 3, line.n - 3);
	}
	return STR("");
}

static u32 depth(str path)
{
	u32 n = 0, i;

	for (i = 0; i < path.n; i++)
		n += path.s[i] != '/' && (i == 0 || path.s[i - 1] == '/');
	return n;
}

static bool in_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/cgroup", &st) || st.st_ino != INIT_CGROUP_NS;
}

/* Runs in a map of 64 ids: what a program in skep's own context sees at each level. */
static int fill_ancestors(int map, u64 *ids, u32 n)
{
	struct isa_insn code[8 + 64 * 4], *c = code;
	struct bpf_test_run_opts run = { .sz = sizeof(run) };
	u32 zero = 0;
	int fd, err;

	isa_ld_imm64(c, ISA_R6, ISA_MAP_VALUE, (u32)map);
	c += 2;
	for (u32 i = 0; i < n; i++) {
		*c++ = isa_alu_imm(true, ISA_MOV, ISA_R1, (s32)i);
		*c++ = isa_call_helper(ISA_FN_get_current_ancestor_cgroup_id);
		*c++ = isa_store(8, ISA_R6, (s16)(i * 8), ISA_R0);
	}
	*c++ = isa_alu_imm(true, ISA_MOV, ISA_R0, 0);
	*c++ = isa_exit();
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "skep_level", "GPL",
			   (const struct bpf_insn *)code, (size_t)(c - code), NULL);
	if (fd < 0)
		return fd;
	err = bpf_prog_test_run_opts(fd, &run);
	close(fd);
	return err ? err : bpf_map_lookup_elem(map, &zero, ids);
}

/* The level of skep's own group below the kernel's root; negative if it cannot be told. */
static int own_level(str path)
{
	u64 ids[64] = { 0 };
	int map, err, level = -ENODEV;

	if (!in_namespace())
		return (int)depth(path);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "skep_level", 4, sizeof(ids), 1, NULL);
	if (map < 0)
		return map;
	err = fill_ancestors(map, ids, ARRAY_LEN(ids));
	close(map);
	for (u32 i = 0; !err && i < ARRAY_LEN(ids) && ids[i]; i++)
		level = (int)i;
	return err ? err : level;
}

/* The kernel's id of a cgroup: its file handle, or on kernels that have none of it, its inode. */
static u64 group_id(int dir)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + 128];
	} u;
	struct stat st;
	int mount;
	u64 id;

	u.h.handle_bytes = 128;
	if (name_to_handle_at(dir, "", &u.h, &mount, AT_EMPTY_PATH) == 0 &&
	    u.h.handle_bytes == sizeof(id)) {
		memcpy(&id, u.h.f_handle, sizeof(id));
		return id;
	}
	return fstat(dir, &st) ? 0 : st.st_ino;
}

/* ---- the group ------------------------------------------------------------------------------ */

/* Is this name in `parent` still the directory that is open? */
static bool is_same(int parent, const char *name, int dir)
{
	struct stat a, b;

	return !fstatat(parent, name, &a, AT_SYMLINK_NOFOLLOW) && !fstat(dir, &b) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int open_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* Removes groups that a killed skep left: empty, and locked by nobody. */
static void remove_stale(int parent)
{
	int fd = open_dir(parent, "."), dir;
	struct dirent *entry;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	while (d && (entry = readdir(d))) {
		if (strncmp(entry->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		dir = open_dir(parent, entry->d_name);
		if (dir < 0)
			continue;
		if (!flock(dir, LOCK_EX | LOCK_NB))
			unlinkat(parent, entry->d_name, AT_REMOVEDIR);
		close(dir);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

/* Makes and locks skep-PID-N; N avoids groups of the same process. */
static int make_group(struct kern *k, struct kern_group *g)
{
	for (u32 n = 0; n < 100; n++) {
		g->name = str_printf(k->a, PREFIX "%d-%u", (int)getpid(), n);
		if (mkdirat(g->parent, g->name.s, 0755)) {
			if (errno != EEXIST)
				return -errno;
			continue;
		}
		g->dir = open_dir(g->parent, g->name.s);
		/* Another skep took it for stale before it was locked. */
		if (g->dir == -ENOENT)
			continue;
		if (g->dir < 0)
			return g->dir;
		if (!flock(g->dir, LOCK_EX | LOCK_NB) && is_same(g->parent, g->name.s, g->dir))
			return 0;
		close(g->dir);
		g->dir = -1;
	}
	return -EBUSY;
}

/* May a process be moved from skep's own group into this one? */
static bool can_join(const struct kern_group *g)
{
	char type[32] = "";
	int fd = openat(g->dir, "cgroup.type", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, type, sizeof(type) - 1) < 0)
		type[0] = 0;
	if (fd >= 0)
		close(fd);
	return strcmp(type, "domain\n") == 0 &&
	       !faccessat(g->dir, "cgroup.procs", W_OK, AT_EACCESS) &&
	       !faccessat(g->parent, "cgroup.procs", W_OK, AT_EACCESS);
}

/* Moves everything that still runs in the group to the one above. */
static void empty_group(const struct kern_group *g)
{
	char list[4096], *at, *end;
	ssize_t got;
	int from, to = openat(g->parent, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	for (u32 round = 0; to >= 0 && round < 16; round++) {
		from = openat(g->dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
		got = from < 0 ? 0 : read(from, list, sizeof(list) - 1);
		if (from >= 0)
			close(from);
		if (got <= 0)
			break;
		list[got] = 0;
		for (at = list; (end = strchr(at, '\n')); at = end + 1)
			if (write(to, at, (size_t)(end + 1 - at)) < 0)
				continue;
	}
	if (to >= 0)
		close(to);
}

static void close_group(struct kern_group *g)
{
	if (g->dir >= 0) {
		empty_group(g);
		close(g->dir);
		unlinkat(g->parent, g->name.s, AT_REMOVEDIR);
	}
	if (g->parent >= 0)
		close(g->parent);
	*g = (struct kern_group){ .dir = -1, .parent = -1 };
}

/* 0 when the group is made; anything else means that a map must do. */
static int open_group(struct kern *k, struct kern_group *g)
{
	str mount = probes_cgroup2(k->m), path = own_path(k->a);
	int level, err;

	if (!mount.n || !path.n || probes_kernel_version(k->m) < 0x050700)
		return -ENOENT;
	level = own_level(path);
	if (level < 0)
		return level;
	g->parent = open(str_printf(k->a, STR_FMT STR_FMT, STR_ARG(mount), STR_ARG(path)).s,
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->parent < 0)
		return -errno;
	remove_stale(g->parent);
	err = make_group(k, g);
	if (err)
		return err;
	g->id = group_id(g->dir);
	g->level = (u32)level + 1;
	return g->id && can_join(g) ? 0 : -EACCES;
}

/* ---- the engine's side ---------------------------------------------------------------------- */

int kern_prepare_scope(void *self, enum rt_scope scope, u32 *out_guard, struct err *e)
{
	struct kern *k = self;

	(void)e;
	k->scope = scope;
	k->guard = KERN_GUARD_NONE;
	if (scope == RT_SCOPE_PIDS)
		k->guard = KERN_GUARD_PIDS;
	if (scope == RT_SCOPE_COMMAND) {
		k->guard = KERN_GUARD_CGROUP;
		if (open_group(k, &k->group)) {
			close_group(&k->group);
			k->guard = KERN_GUARD_PIDS;
		}
	}
	*out_guard = k->guard;
	return 0;
}

/* Puts a thread group into the map. */
static int add_pid(struct kern *k, u32 pid, struct err *e)
{
	u32 map = obj_map_find(k->obj, STR(KERN_PIDS_MAP));
	u8 value[64] = { 1 };
	int err;

	if (map == OBJ_NONE || k->obj->maps.at[map].key_size != sizeof(pid) ||
	    k->obj->maps.at[map].value_size > sizeof(value))
		return err_set(e, -SKEP_EINTERNAL, KERN_ROOM,
			       "the object has no map '%s' of process ids", KERN_PIDS_MAP);
	err = bpf_map_update_elem(k->maps[map], &pid, value, BPF_ANY);
	return err ? err_set(e, err, KERN_ROOM, "process %u cannot be added to the traced ones: %s",
			     pid, strerror(-err))
		   : 0;
}

int kern_scope_pids(struct kern *k, const u32 *pids, u32 n, struct err *e)
{
	int err = 0;

	k->pidfds = arena_array_of(k->a, int, n);
	k->pids = arena_dup(k->a, pids, n * sizeof(*pids));
	for (u32 i = 0; i < n; i++)
		k->pidfds[i] = -1;
	k->n_pids = n;
	for (u32 i = 0; !err && i < n; i++) {
		if (kill((pid_t)pids[i], 0) && errno == ESRCH)
			return err_set(e, -ESRCH, KERN_ROOM, "there is no process %u", pids[i]);
		k->pidfds[i] = kern_pidfd((pid_t)pids[i]);
		if (k->guard == KERN_GUARD_PIDS)
			err = add_pid(k, pids[i], e);
	}
	return err;
}

int kern_scope_add(struct kern *k, pid_t pid, struct err *e)
{
	char text[16];
	int n, fd, err;

	if (k->guard == KERN_GUARD_PIDS)
		return add_pid(k, (u32)pid, e);
	if (k->guard != KERN_GUARD_CGROUP)
		return 0;
	n = snprintf(text, sizeof(text), "%d", (int)pid);
	fd = openat(k->group.dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	err = fd < 0 || write(fd, text, (size_t)n) != n ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return err ? err_set(e, err, KERN_ROOM, "the command cannot be moved into its cgroup: %s",
			     strerror(-err))
		   : 0;
}

void kern_scope_close(struct kern *k)
{
	close_group(&k->group);
	for (u32 i = 0; i < k->n_pids; i++)
		if (k->pidfds[i] >= 0)
			close(k->pidfds[i]);
	k->n_pids = 0;
}
