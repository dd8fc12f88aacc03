/* Helpers: dynptrs, which are memory whose size the verifier need not know.
 *
 * A dynptr is 16 bytes of the program's stack: address, size, what it stands for. The verifier keeps
 * programs from writing there. The checked mode, which also runs what was not verified, holds the
 * memory that a dynptr names against what the program may touch (vm_access_dynptr), so a forged one
 * leads nowhere.
 */
#include "vm/run.h"

#include <errno.h>
#include <string.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)
#define PTR(x) ((void *)(uintptr_t)(x))
#define MAP(x) ((struct maps_map *)(uintptr_t)(x))
#define NUM(x) ((u64)(s64)(x))
enum { MOST_BYTES = (1 << 24) - 1 };

void vm_dynptr_set(void *at, u64 data, u32 size, u32 kind)
{
	struct vm_dynptr p = { data, size, kind };

	memcpy(at, &p, sizeof(p));
}

static struct vm_dynptr get(u64 at)
{
	struct vm_dynptr p;

	memcpy(&p, PTR(at), sizeof(p));
	return p;
}

/* 0, or why these bytes are not within it. */
static int outside(const struct vm_dynptr *p, u64 off, u64 size)
{
	off = (u32)off;
	size = (u32)size;
	if (!p->data)
		return -EINVAL;
	return size > p->size || off > p->size - size ? -E2BIG : 0;
}

static u64 made(u64 at, u64 data, u64 size, u32 kind, int err)
{
	if (err)
		vm_dynptr_set(PTR(at), 0, 0, VM_DYNPTR_NULL);
	else
		vm_dynptr_set(PTR(at), data, (u32)size, kind);
	return NUM(err);
}

VM_HELPER(dynptr_from_mem)
{
	u32 size = (u32)b;

	UNUSED;
	return made(d, a, size, VM_DYNPTR_LOCAL, size > MOST_BYTES ? -E2BIG : c ? -EINVAL : 0);
}

/* On failure too there is a dynptr, which is null and has to be given back. */
VM_HELPER(ringbuf_reserve_dynptr)
{
	u32 size = (u32)b;
	u64 record = 0;
	int err = c ? -EINVAL : size > MOST_BYTES ? -E2BIG : 0;

	UNUSED;
	if (!err) {
		record = (u64)(uintptr_t)maps_ring_reserve(MAP(a), size, 0);
		err = record ? 0 : -EINVAL;
	}
	if (!err && t->checked && !vm_access_open(t, record, size, true, VM_REGION_RECORD)) {
		maps_ring_discard(PTR(record), 0);
		err = -ENOMEM;
	}
	return made(d, record, size, VM_DYNPTR_RECORD, err);
}

static u64 give_back(struct vm_thread *t, u64 at, u64 flags,
		     void (*finish)(void *record, u64 flags))
{
	struct vm_dynptr p = get(at);

	if (p.data && p.kind == VM_DYNPTR_RECORD) {
		if (t->checked)
			vm_access_close(t, p.data);
		finish(PTR(p.data), flags);
		vm_dynptr_set(PTR(at), 0, 0, VM_DYNPTR_NULL);
	}
	return 0;
}

VM_HELPER(ringbuf_submit_dynptr)
{
	UNUSED;
	return give_back(t, a, b, maps_ring_submit);
}

VM_HELPER(ringbuf_discard_dynptr)
{
	UNUSED;
	return give_back(t, a, b, maps_ring_discard);
}

VM_HELPER(dynptr_read)
{
	struct vm_dynptr p = get(c);
	int err = e ? -EINVAL : outside(&p, d, b);

	UNUSED;
	if (!err)
		memmove(PTR(a), PTR(p.data + (u32)d), (u32)b);
	return NUM(err);
}

VM_HELPER(dynptr_write)
{
	struct vm_dynptr p = get(a);
	int err = e || p.kind == VM_DYNPTR_READ_ONLY ? -EINVAL : outside(&p, b, d);

	UNUSED;
	if (!err)
		memmove(PTR(p.data + (u32)b), PTR(c), (u32)d);
	return NUM(err);
}

VM_HELPER(dynptr_data)
{
	struct vm_dynptr p = get(a);

	UNUSED;
	if (p.kind == VM_DYNPTR_READ_ONLY || outside(&p, b, c))
		return 0;
	return p.data + (u32)b;
}
