/* usable: may this process trace with the kernel, and if not, what exactly is missing?
 *
 * Since Linux 5.8 the rights are CAP_BPF and CAP_PERFMON; before, and still instead of both,
 * CAP_SYS_ADMIN (capabilities(7)). The sysctl kernel.perf_event_paranoid and the
 * lockdown LSM can take more away; they only explain a refusal. (kernel.unprivileged_bpf_disabled
 * has no say: tracing programs always need the capabilities.) Whether the kernel refuses is asked
 * by loading two instructions, since a user namespace or a seccomp filter can make capabilities
 * worth nothing.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian's shared libbpf 1.1 does not export it; without it libbpf raises the limit by itself. */
#pragma weak libbpf_set_memlock_rlim

static u64 capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return 0;
	return data[0].effective | (u64)data[1].effective << 32;
}

static bool has_cap(u64 caps, u32 cap)
{
	return caps >> cap & 1;
}

/* What this process lacks, or NULL. */
static const char *missing(struct probes_machine *m)
{
	u64 caps = capabilities();
	bool bpf = has_cap(caps, CAP_BPF), perfmon = has_cap(caps, CAP_PERFMON);

	if (has_cap(caps, CAP_SYS_ADMIN))
		return NULL;
	if (probes_kernel_version(m) < 0x050800)
		return "CAP_SYS_ADMIN";
	if (!bpf && !perfmon)
		return "CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN)";
	return !bpf	  ? "CAP_BPF (or CAP_SYS_ADMIN)"
	       : !perfmon ? "CAP_PERFMON (or CAP_SYS_ADMIN)"
			  : NULL;
}

bool kern_privileged(struct probes_machine *m)
{
	return missing(m) == NULL;
}

/* The beginning of a file, or empty. */
static str small_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, buf, size);

	if (fd >= 0)
		close(fd);
	return str_trim((str){ buf, got > 0 ? (u32)got : 0 });
}

static bool is_locked_down(void)
{
	char buf[128];

	return str_ends(small_file("/sys/kernel/security/lockdown", buf, sizeof(buf)),
			"[confidentiality]");
}

int kern_denied(struct probes_machine *m, int code, const char *what, struct err *e)
{
	const char *lacks = missing(m);
	char buf[32];
	str paranoid = small_file("/proc/sys/kernel/perf_event_paranoid", buf, sizeof(buf));

	if (lacks)
		return err_set(e, -SKEP_ENOCAP, KERN_ROOM,
			       "%s: the kernel refuses it without %s; run as root", what, lacks);
	if (is_locked_down())
		return err_set(e, -SKEP_ENOCAP, KERN_ROOM,
			       "%s: the kernel is locked down (/sys/kernel/security/lockdown says "
			       "confidentiality), which forbids tracing",
			       what);
	if (code == -EACCES && paranoid.n)
		return err_set(e, -SKEP_ENOCAP, KERN_ROOM,
			       "%s: the kernel refuses it although the capabilities are there; "
			       "kernel.perf_event_paranoid is " STR_FMT,
			       what, STR_ARG(paranoid));
	return err_set(e, -SKEP_ENOCAP, KERN_ROOM,
		       "%s: the kernel refuses it although the capabilities are there: they may "
		       "belong to a user namespace, or this kernel, a seccomp filter or a security "
		       "module forbids it",
		       what);
}

void kern_raise_memlock(struct probes_machine *m)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	/* libbpf would find out by loading a program; the version tells. */
	if (libbpf_set_memlock_rlim)
		libbpf_set_memlock_rlim(0);
	if (probes_kernel_version(m) < 0x050b00)
		setrlimit(RLIMIT_MEMLOCK, &all);
}

int kern_usable(struct probes_machine *m, struct err *e)
{
	static const struct isa_insn nothing[] = {
		{ .code = ISA_ALU64 | ISA_MOV | ISA_K },
		{ .code = ISA_JMP | ISA_EXIT },
	};
	const char *lacks = missing(m);
	int fd;

	if (lacks)
		return err_set(e, -SKEP_ENOCAP, KERN_ROOM,
			       "tracing with the kernel needs %s; run as root", lacks);
	kern_raise_memlock(m);
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "skep", "GPL",
			   (const struct bpf_insn *)nothing, ARRAY_LEN(nothing), NULL);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -EPERM || fd == -EACCES)
		return kern_denied(m, fd, "loading a program", e);
	if (fd == -ENOSYS)
		return err_set(e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "this kernel was built without bpf(2)");
	return err_set(e, -SKEP_EUNSUPPORTED, KERN_ROOM,
		       "this kernel takes no raw tracepoint programs (%s); Linux 4.17 or later is "
		       "needed",
		       strerror(-fd));
}
