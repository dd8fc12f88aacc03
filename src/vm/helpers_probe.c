/* Helpers: reading memory that may not be there.
 *
 * Memory of the traced process is read as the engine's table says, else through its mem file where
 * the thread has one, else through process_vm_readv; without a traced process it is our own, read the same way, so that a wrong
 * address is an error and no signal. On failure the whole destination is cleared, as the kernel
 * does.
 */
#include "vm/run.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

/* One read; how many bytes came, or -1. */
static ssize_t read_some(struct vm_thread *t, bool own, void *out, u64 addr, u64 size)
{
	struct iovec to = { out, size };
	struct iovec from = { (void *)(uintptr_t)addr, size };

	if (!own && t->ops && t->ops->read)
		return (ssize_t)t->ops->read(t, out, addr, size);
	if (!own && t->has_task && t->task.mem_fd > 0)
		return pread(t->task.mem_fd, out, size, (off_t)addr);
	return process_vm_readv(!own && t->has_task ? (pid_t)t->task.tid : getpid(), &to, 1, &from,
				1, 0);
}

int vm_read_at(struct vm_thread *t, bool own, void *out, u64 addr, u64 size)
{
	u64 done = 0;

	while (done < size) {
		ssize_t n = read_some(t, own, (u8 *)out + done, addr + done, size - done);

		if (n <= 0)
			return -EFAULT;
		done += (u64)n;
	}
	return 0;
}

/* Reads up to the end of a page at a time: what lies behind the string need not be there. */
s64 vm_read_str(struct vm_thread *t, bool own, char *out, u64 addr, u64 size)
{
	enum { PAGE = 4096 };
	u64 done = 0;

	while (done < size) {
		u64 n = PAGE - (addr + done) % PAGE;
		char *end;

		if (n > size - done)
			n = size - done;
		if (vm_read_at(t, own, out + done, addr + done, n) != 0)
			return -EFAULT;
		end = memchr(out + done, 0, n);
		if (end) {
			memset(end, 0, done + n - (u64)(end - out));
			return end - out + 1;
		}
		done += n;
	}
	if (size)
		out[size - 1] = 0;
	return (s64)size;
}

static u64 probe(struct vm_thread *t, u64 out, u64 size, u64 addr)
{
	size = (u32)size;
	if (vm_read_at(t, false, (void *)(uintptr_t)out, addr, size) == 0)
		return 0;
	memset((void *)(uintptr_t)out, 0, size);
	return (u64)-EFAULT;
}

static u64 probe_str(struct vm_thread *t, u64 out, u64 size, u64 addr)
{
	s64 n;

	size = (u32)size;
	n = vm_read_str(t, false, (char *)(uintptr_t)out, addr, size);
	if (n < 0)
		memset((void *)(uintptr_t)out, 0, size);
	return (u64)n;
}

VM_HELPER(probe_read)
{
	UNUSED;
	return probe(t, a, b, c);
}

VM_HELPER(probe_read_str)
{
	UNUSED;
	return probe_str(t, a, b, c);
}
