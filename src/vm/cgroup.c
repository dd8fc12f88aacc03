/* The cgroups of the traced process, from /proc and the cgroup2 file system.
 *
 * An id is what the kernel gives to programs: the inode number of the group's directory. The names
 * from the root to the process's own group are in /proc/PID/cgroup (the line "0::/a/b"); each is
 * looked up below the place where cgroup2 is mounted. In a container the root that shows is the
 * container's. Deeper than 16 levels nothing is
 * known. Asked once for a process, until another one is traced.
 */
#include "vm/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* Where "0::" leads; false where there is no such line. */
static bool read_path(u32 pid, char *out, int size)
{
	char name[64];
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (!found && fgets(out, size, f))
		found = strncmp(out, "0::/", 4) == 0;
	fclose(f);
	out[strcspn(out, "\n")] = 0;
	return found;
}

static u64 id_of(const char *mount, const char *path, size_t n)
{
	char name[4200];
	struct stat st;

	snprintf(name, sizeof(name), "%s%.*s", mount, (int)n, path);
	return stat(name, &st) == 0 ? st.st_ino : 0;
}

/* A group's directory for each prefix of the path: "", "/a", "/a/b". */
static void find(struct vm_thread *t, const char *mount, const char *path)
{
	size_t n = 0, len = strlen(path);

	if (len == 1)
		len = 0;
	while (t->n_cgroups < VM_CGROUP_LEVELS) {
		u64 id = id_of(mount, path, n);

		if (!id)
			break;
		t->cgroups[t->n_cgroups++] = id;
		if (n >= len)
			return;
		n += 1 + strcspn(path + n + 1, "/");
	}
	/* Without the last one nothing is known. */
	t->n_cgroups = 0;
}

u32 vm_cgroups(struct vm_thread *t, const u64 **out_ids)
{
	u32 pid = t->has_task ? t->task.tgid : (u32)getpid();
	char line[4096];

	*out_ids = t->cgroups;
	if (t->n_cgroups && t->cgroups_of == pid)
		return t->n_cgroups;
	t->n_cgroups = 0;
	t->cgroups_of = pid;
	if (!read_path(pid, line, sizeof(line)))
		return 0;
	for (u32 i = 0; i < ARRAY_LEN(mounts) && !t->n_cgroups; i++) {
		char control[64];

		snprintf(control, sizeof(control), "%s/cgroup.controllers", mounts[i]);
		if (access(control, F_OK) == 0)
			find(t, mounts[i], line + 3);
	}
	return t->n_cgroups;
}

u64 vm_cgroup_id(struct vm_thread *t)
{
	const u64 *ids;
	u32 n;

	if (t->has_task && t->task.cgroup)
		return t->task.cgroup;
	n = vm_cgroups(t, &ids);
	return n ? ids[n - 1] : 0;
}
