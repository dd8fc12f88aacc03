/* A tool in BCC's dialect, as the preprocessor meets them: conditions on the kernel's version and
 * configuration, small macros, comments everywhere. */
#include <uapi/linux/ptrace.h>
#include <uapi/linux/limits.h>
#include <linux/sched.h>
#include <linux/fs.h>
#include <net/sock.h>
#include <bcc/proto.h>

#pragma skep --every 2s --attach kretprobe:openat=trace_return

#define MAX_ARGS 20
#define ARGSIZE  128
#define FIELD(s, f) ((s)->f)
#define STORE(dst, src, ...) do { \
		__builtin_memcpy(&(dst), &(src), sizeof(dst)); \
		note(#dst, ##__VA_ARGS__); \
	} while (0)
#ifndef TASK_COMM_LEN
#define TASK_COMM_LEN 999
#endif

enum event_type {
	EVENT_ARG,
	EVENT_RET = 'r',
	EVENT_LAST = 0xffffffffu,
};

struct val_t {
	u64 id;
	char comm[TASK_COMM_LEN];
	const char *fname;
	int flags; // EXTENDED_STRUCT_MEMBER
};

struct data_t {
	u64 id;
	u64 ts;
	u32 uid;
	int ret;
	char comm[TASK_COMM_LEN];
	enum event_type type;
	char name[NAME_MAX];
};

BPF_PERF_OUTPUT(events);
BPF_HASH(infotmp, u64, struct val_t);
BPF_HASH(counts, u32);
BPF_ARRAY(stats, u64, 4);

/* Only one of these is compiled. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
#define HAVE_OPENAT2 1
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(4, 17, 0) && \
	defined(CONFIG_ARCH_HAS_SYSCALL_WRAPPER)
#define HAVE_WRAPPER 1
#else
#error "too old"
#endif

#ifdef CONFIG_X86_64
#define ARCH "x86-64"
#elif defined(CONFIG_ARM64)
#define ARCH "arm64"
#endif

#if defined(REQ_WRITE) || defined(REQ_OP_SHIFT)
this is never read: it's an old kernel "
#else
#define IS_WRITE(flags) (!!((flags) & REQ_OP_MASK))
#endif

static inline int same(const char *a, const char *b, int n)
{
#pragma unroll
	for (int i = 0; i < MAX_ARGS; i++) {
		if (i >= n)
			break;
		if (a[i] != b[i])
			return 0;
		if (a[i] == '\0' || a[i] == '\'' || a[i] == '"')
			return 1;
	}
	return 1;
}

int trace_return(struct pt_regs *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct val_t *valp;
	struct data_t data = {};
	u64 tsp = bpf_ktime_get_ns();

	valp = infotmp.lookup(&id);
	if (valp == 0) {
		// missed entry
		return 0;
	}
	bpf_probe_read_kernel(&data.comm, sizeof(data.comm), valp->comm);
	bpf_probe_read_user_str(&data.name, sizeof(data.name), (void *)valp->fname);
	data.id = FIELD(valp, id);
	data.ts = tsp / 1000;
	data.uid = bpf_get_current_uid_gid();
	data.ret = PT_REGS_RC(ctx);
	STORE(data.type, valp->flags, "it's " "written", 1);
	STORE(data.uid, id);
	events.perf_submit(ctx, &data, sizeof(data));
	infotmp.delete(&id);
	return 0;
}

#ifdef HAVE_OPENAT2
int syscall__trace_entry_openat2(struct pt_regs *ctx, int dfd, const char __user *filename,
				 struct open_how *how)
{
	int flags = how->flags;
#else
int syscall__trace_entry_openat(struct pt_regs *ctx, int dfd, const char __user *filename,
				int flags)
{
#endif
	struct val_t val = {};
	u64 id = bpf_get_current_pid_tgid();
	u32 pid = id >> 32; // PID is higher part
	u32 tid = id;       /* Cast and get the lower part */
	u32 uid = bpf_get_current_uid_gid();

	if ((flags & O_ACCMODE) != O_RDONLY && !(flags & (O_CREAT|O_TMPFILE)))
		goto out;
	if (pid != 0 || uid == 1000u || tid <= 0x7fffULL)
		counts.increment(pid);
	if (bpf_get_current_comm(&val.comm, sizeof(val.comm)) == 0) {
		val.id = id;
		val.fname = filename;
		val.flags = flags; // EXTENDED_STRUCT_MEMBER
		infotmp.update(&id, &val);
	}
	stats.atomic_increment(min(pid & 3, 3u));
	bpf_trace_printk("open by %d on " ARCH "\n", pid);
	return -1 ? 0 : ~0, 0;
out:
	return NULL != 0;
}

TRACEPOINT_PROBE(inet, sock_set_state) {
	if (args->protocol != IPPROTO_TCP)
		return 0;
	u16 dport = ntohs(args->dport);
	switch (args->family) {
	case AF_INET:
	case AF_INET6 ... AF_INET6 + 1:
		dport += 0b10;
		break;
	default:
		dport <<= 1;
		dport ^= 3, dport |= dport >> 2, dport %= 10;
	}
	return dport && __LINE__ > 0;
}
