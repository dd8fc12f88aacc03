/* Helpers: packets and checksums. They work on the thread's packet; offsets count from its start. A
 * packet that is marked read-only refuses stores. Redirects are verdicts: the target is kept for
 * whoever gave the packet. */
#include "vm/run.h"

#include <errno.h>
#include <string.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)
#define PTR(x) ((void *)(uintptr_t)(x))
#define NUM(x) ((u64)(s64)(x))

static bool in_packet(const struct vm_thread *t, u64 off, u64 size)
{
	return t->packet.data && off <= t->packet.size && size <= t->packet.size - off;
}

static u64 load(struct vm_thread *t, u64 off, u64 out, u64 size)
{
	size = (u32)size;
	if (!size)
		return 0;
	if (in_packet(t, (u32)off, size)) {
		memcpy(PTR(out), t->packet.data + (u32)off, size);
		return 0;
	}
	memset(PTR(out), 0, size);
	return NUM(-EFAULT);
}

static u64 store(struct vm_thread *t, u64 off, u64 from, u64 size)
{
	size = (u32)size;
	if (!size)
		return 0;
	if (t->packet.read_only || !in_packet(t, (u32)off, size))
		return NUM(-EFAULT);
	memcpy(t->packet.data + (u32)off, PTR(from), size);
	return 0;
}

VM_HELPER(skb_load_bytes)
{
	UNUSED;
	return load(t, b, c, d);
}

VM_HELPER(skb_store_bytes)
{
	UNUSED;
	return e & ~3ull ? NUM(-EINVAL) : store(t, b, c, d);
}

VM_HELPER(xdp_load_bytes)
{
	UNUSED;
	return load(t, b, c, d) ? NUM(-EINVAL) : 0;
}

VM_HELPER(xdp_store_bytes)
{
	UNUSED;
	return store(t, b, c, d) ? NUM(-EINVAL) : 0;
}

VM_HELPER(xdp_get_buff_len)
{
	UNUSED;
	return t->packet.size;
}

/* All of a packet is in one piece here. */
VM_HELPER(skb_pull_data)
{
	UNUSED;
	return (u32)b <= t->packet.size ? 0 : NUM(-ENOMEM);
}

VM_HELPER(redirect)
{
	UNUSED;
	t->packet.target = a;
	return t->packet.redirect;
}

/* ---- checksums ----------------------------------------------------------------------------------
 */

/* The ones' complement sum of whole 32-bit words on top of `sum`, folded to 32 bits. */
static u32 sum_words(const u8 *at, u64 size, u64 sum)
{
	for (u64 i = 0; i + 4 <= size; i += 4) {
		u32 w;

		memcpy(&w, at + i, 4);
		sum += w;
	}
	sum = (u32)sum + (sum >> 32);
	return (u32)((u32)sum + (sum >> 32));
}

/* Folded to 16 bits, as kernels from 6.13 on give it on every machine. */
static u64 fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

VM_HELPER(csum_diff)
{
	u32 from_size = (u32)b, to_size = (u32)d, sum = (u32)e;

	UNUSED;
	if ((from_size | to_size) & 3)
		return NUM(-EINVAL);
	if (to_size)
		sum = sum_words(PTR(c), to_size, sum);
	if (from_size)
		sum = sum_words(NULL, 0, (u64)sum + (u32)~sum_words(PTR(a), from_size, 0));
	return fold(sum);
}
