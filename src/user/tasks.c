/* tasks: the traced threads, by number, and what /proc says of them when somebody asks.
 *
 * User ids are kept until a call that changes them (which is trapped for that) or an exec. The name is read each
 * time, through a descriptor that stays open: other threads and files can change it without a call to see.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/tracer.h"

static struct task **bucket(struct tracer *t, pid_t tid)
{
	return &t->tasks[(u32)tid % TRACER_BUCKETS];
}

struct task *task_find(struct tracer *t, pid_t tid)
{
	for (struct task *x = *bucket(t, tid); x; x = x->next)
		if (x->tid == tid)
			return x;
	return NULL;
}

struct task *task_add(struct tracer *t, pid_t tid)
{
	struct task *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->tid = tid;
	x->tgid = (pid_t)task_status_of(tid, "Tgid:");
	if (!x->tgid)
		x->tgid = tid;
	x->comm_fd = -1;
	x->next = *bucket(t, tid);
	*bucket(t, tid) = x;
	t->n_tasks++;
	return x;
}

void task_drop(struct tracer *t, struct task *task)
{
	struct task **at = bucket(t, task->tid);

	while (*at && *at != task)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = task->next;
	t->n_tasks--;
	if (t->host.task == task)
		t->host.task = NULL;
	if (task->comm_fd >= 0)
		close(task->comm_fd);
	breaks_drop(task);
	free(task);
}

/* ---- /proc ---------------------------------------------------------------------------------- */

static ssize_t read_proc(pid_t tid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n;
}

static u32 number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (u32)strtoul(at + strlen(key), NULL, 10) : 0;
}

u32 task_status_of(pid_t tid, const char *key)
{
	char buf[4096];

	return read_proc(tid, "status", buf, sizeof(buf)) > 0 ? number_after(buf, key) : 0;
}

void task_ids(struct task *task)
{
	char buf[4096];

	if (task->ids_known || read_proc(task->tid, "status", buf, sizeof(buf)) <= 0)
		return;
	task->uid = number_after(buf, "\nUid:");
	task->gid = number_after(buf, "\nGid:");
	task->ids_known = true;
}

void task_comm(struct task *task, char out[16])
{
	char path[64], text[17];
	ssize_t n;

	if (task->comm_fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/comm", task->tid);
		task->comm_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	n = task->comm_fd < 0 ? -1 : pread(task->comm_fd, text, sizeof(text), 0);
	/* A thread that is gone keeps the name that it had. */
	if (n > 0) {
		if (text[n - 1] == '\n')
			n--;
		memset(task->comm, 0, sizeof(task->comm));
		memcpy(task->comm, text, n > 15 ? 15 : (size_t)n);
	}
	memcpy(out, task->comm, 16);
}

/* The id is the inode number of the group's directory (cgroup v2). */
u64 task_cgroup(struct task *task)
{
	char buf[1024], path[1200], *at, *end;
	struct stat st;

	if (task->cgroup || read_proc(task->tid, "cgroup", buf, sizeof(buf)) <= 0)
		return task->cgroup;
	at = strstr(buf, "0::");
	if (!at)
		return 0;
	end = strchr(at, '\n');
	if (end)
		*end = 0;
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s", at + 3);
	if (stat(path, &st) == 0)
		task->cgroup = st.st_ino;
	return task->cgroup;
}

u32 task_list(pid_t pid, pid_t *out, u32 most)
{
	struct dirent *d;
	char path[64];
	u32 n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && n < most && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			out[n++] = atoi(d->d_name);
	if (dir)
		closedir(dir);
	return n;
}

char task_state(pid_t tid)
{
	char buf[512], *at;

	if (read_proc(tid, "stat", buf, sizeof(buf)) <= 0)
		return 'X';
	at = strrchr(buf, ')');
	return at && at[1] == ' ' ? at[2] : 'X';
}
