/* machine: facts of the running kernel, each read when it is first asked for and then remembered.
 *
 * Nothing is probed by trying it: a file that is there says what the kernel has. kprobes and
 * uprobes are there when their PMU is (Linux 4.17); without them skep has no way to attach one that
 * goes away with the process.
 *
 * tracefs is taken where it is mounted. Where it is not, a detached mount (fsopen, fsmount:
 * Linux 5.2) gives a private directory descriptor that no other process sees and that needs no
 * unmounting.
 *
 * The version is LINUX_VERSION_CODE as the kernel was built with. Debian and Ubuntu name an ABI in
 * `uname -r` instead of the third number; theirs is read from where they put the real one.
 */
#include "probes/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TRACEFS_TYPE 0x74726163

struct probes_machine {
	struct arena *a;
	u32 asked, has; /* bits of enum probes_feature */
	u32 version, cpus;
	bool tracefs_asked, cgroup2_asked;
	int tracefs; /* descriptor, or a negative error */
	struct err tracefs_err;
	str cgroup2;
};

struct probes_machine *probes_machine_new(struct arena *a)
{
	struct probes_machine *m = arena_new_of(a, struct probes_machine);

	m->a = a;
	m->tracefs = -1;
	return m;
}

void probes_machine_free(struct probes_machine *m)
{
	if (!m)
		return;
	if (m->tracefs >= 0)
		close(m->tracefs);
	m->tracefs = -1;
	m->tracefs_asked = false;
}

struct arena *probes_machine_arena(struct probes_machine *m)
{
	return m->a;
}

/* ---- version and CPUs ----------------------------------------------------------------------- */

/* "6.1.55-13-amd64" -> 6.1.55; false if there are not two numbers at least. */
static bool read_version(const char *text, u32 *out)
{
	unsigned int major, minor, patch = 0;

	if (sscanf(text, "%u.%u.%u", &major, &minor, &patch) < 2)
		return false;
	*out = (major & 0xff) << 16 | (minor & 0xff) << 8 | (patch > 255 ? 255 : patch);
	return true;
}

static u32 kernel_version(struct probes_machine *m)
{
	struct utsname u;
	const char *behind;
	u32 version = 0;
	str text;

	if (uname(&u))
		return 0;
	behind = strstr(u.version, "Debian ");
	if (behind && read_version(behind + 7, &version))
		return version;
	/* "Ubuntu 5.4.0-12.15-generic 5.4.8" */
	if (!base_read_file(m->a, "/proc/version_signature", 4096, &text, NULL)) {
		behind = strrchr(text.s, ' ');
		if (behind && read_version(behind + 1, &version))
			return version;
	}
	read_version(u.release, &version);
	return version;
}

u32 probes_kernel_version(struct probes_machine *m)
{
	if (!m->version)
		m->version = kernel_version(m);
	return m->version;
}

/* Counts the numbers in a list such as "0-3,8". */
static u32 count_list(str text)
{
	str rest = str_trim(text), item;
	u64 lo, hi, n = 0;

	while (rest.n) {
		item = str_cut(&rest, ',');
		if (!str_to_u64(str_cut(&item, '-'), &lo))
			return 0;
		hi = lo;
		if (item.n && !str_to_u64(item, &hi))
			return 0;
		if (hi < lo || hi > 1 << 20)
			return 0;
		n += hi - lo + 1;
	}
	return (u32)n;
}

u32 probes_cpus(struct probes_machine *m)
{
	str text;

	if (m->cpus)
		return m->cpus;
	if (!base_read_file(m->a, "/sys/devices/system/cpu/possible", 4096, &text, NULL))
		m->cpus = count_list(text);
	if (!m->cpus)
		m->cpus = (u32)sysconf(_SC_NPROCESSORS_CONF);
	return m->cpus;
}

/* ---- tracefs -------------------------------------------------------------------------------- */

static int open_mounted(const char *path)
{
	struct statfs st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!fstatfs(fd, &st) && (u64)st.f_type == TRACEFS_TYPE)
		return fd;
	close(fd);
	return -ENOENT;
}

static int open_detached(void)
{
	int fs, fd, err;

	fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	err = (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	fd = err ? -errno : (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (!err && fd < 0)
		fd = -errno;
	close(fs);
	return fd;
}

static int open_tracefs(struct err *e)
{
	int mounted = open_mounted("/sys/kernel/tracing"), fd;

	if (mounted == -ENOENT)
		mounted = open_mounted("/sys/kernel/debug/tracing");
	if (mounted >= 0)
		return mounted;
	if (mounted == -EACCES)
		return err_set(
			e, -SKEP_ENOCAP, "probes",
			"/sys/kernel/tracing cannot be read: it belongs to root; run as root "
			"or with CAP_DAC_READ_SEARCH");
	fd = open_detached();
	if (fd == -EPERM)
		return err_set(
			e, -SKEP_ENOCAP, "probes",
			"tracefs is not mounted, and mounting it needs CAP_SYS_ADMIN; run as "
			"root, or: mount -t tracefs tracefs /sys/kernel/tracing");
	if (fd == -ENODEV || fd == -ENOSYS)
		return err_set(e, -SKEP_ENOEVENT, "probes", "tracefs is not mounted%s",
			       fd == -ENODEV ? ", and this kernel was built without it"
					     : ": mount -t tracefs tracefs /sys/kernel/tracing");
	errno = -fd;
	return fd < 0 ? err_set(e, fd, "probes", "tracefs cannot be mounted: %m") : fd;
}

int probes_tracefs(struct probes_machine *m, struct err *e)
{
	if (!m->tracefs_asked) {
		m->tracefs = open_tracefs(&m->tracefs_err);
		m->tracefs_asked = true;
	}
	if (m->tracefs < 0 && e)
		*e = m->tracefs_err;
	return m->tracefs;
}

/* ---- cgroup v2 ------------------------------------------------------------------------------ */

/* mountinfo writes blanks as \040. */
static str unescape(struct arena *a, str x)
{
	struct sbuf b;
	u32 i;

	sbuf_init(&b, a);
	for (i = 0; i < x.n; i++) {
		if (x.s[i] == '\\' && i + 3 < x.n) {
			sbuf_putc(&b, (char)((x.s[i + 1] - '0') << 6 | (x.s[i + 2] - '0') << 3 |
					     (x.s[i + 3] - '0')));
			i += 3;
		} else {
			sbuf_putc(&b, x.s[i]);
		}
	}
	return sbuf_str(&b);
}

/* "25 20 0:22 / /sys/fs/cgroup rw,… - cgroup2 cgroup2 rw": the mount point if it is one. */
static str cgroup2_mount(struct arena *a, str line)
{
	str path = STR(""), word;
	u32 i;

	for (i = 0; i < 5 && line.n; i++)
		path = str_cut(&line, ' ');
	while (line.n) {
		word = str_cut(&line, ' ');
		if (str_is(word, "-"))
			break;
	}
	return str_is(str_cut(&line, ' '), "cgroup2") ? unescape(a, path) : STR("");
}

str probes_cgroup2(struct probes_machine *m)
{
	str text;

	if (m->cgroup2_asked)
		return m->cgroup2;
	m->cgroup2_asked = true;
	if (base_read_file(m->a, "/proc/self/mountinfo", 4 << 20, &text, NULL))
		return m->cgroup2;
	while (text.n && !m->cgroup2.n)
		m->cgroup2 = cgroup2_mount(m->a, str_cut(&text, '\n'));
	return m->cgroup2;
}

/* ---- features ------------------------------------------------------------------------------- */

static bool readable(const char *path)
{
	return access(path, R_OK) == 0;
}

static bool ask(struct probes_machine *m, enum probes_feature f)
{
	switch (f) {
	case PROBES_HAS_KPROBES: return readable("/sys/bus/event_source/devices/kprobe/type");
	case PROBES_HAS_UPROBES: return readable("/sys/bus/event_source/devices/uprobe/type");
	case PROBES_HAS_BTF: return readable("/sys/kernel/btf/vmlinux");
	case PROBES_HAS_TRACEFS: return probes_tracefs(m, NULL) >= 0;
	case PROBES_HAS_CGROUP2: return probes_cgroup2(m).n > 0;
	case PROBES_HAS_SYSCALL_WRAPPER:
#ifdef __aarch64__
		return probes_kernel_version(m) >= 0x041300;
#else
		return probes_kernel_version(m) >= 0x041100;
#endif
	}
	return false;
}

bool probes_has(struct probes_machine *m, enum probes_feature f)
{
	u32 bit = 1u << f;

	if (!(m->asked & bit)) {
		m->asked |= bit;
		if (ask(m, f))
			m->has |= bit;
	}
	return m->has & bit;
}
