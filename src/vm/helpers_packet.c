/* Helpers: packets. They work on the thread's packet; offsets count from its start. A packet that is
 * marked read-only refuses stores.
 *
 * Resizing moves the ends of the packet within the room that its owner left around it; what is new
 * is zero. The data pointers in the context follow, as the program reads them again. Redirects are
 * verdicts: the target is kept for whoever gave the packet.
 */
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

/* From the link or the network header. */
VM_HELPER(skb_load_bytes_relative)
{
	u64 from = (u32)e == 1 ? t->packet.net_off : 0;

	UNUSED;
	if ((u32)e > 1 || (u32)b > 0xffff) {
		memset(PTR(c), 0, (u32)d);
		return NUM(-EFAULT);
	}
	return load(t, from + (u32)b, c, d);
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

/* ---- resizing -----------------------------------------------------------------------------------
 */

enum { SHORTEST = 14 }; /* of a frame: its Ethernet header */

static void put_word(u64 ctx, u32 at, u64 value)
{
	u32 word = (u32)value;

	memcpy((u8 *)PTR(ctx) + at, &word, 4);
}

/* The context says where the packet is now. */
static void show(const struct vm_thread *t, u64 ctx)
{
	enum { SKB_LEN = 0, SKB_DATA = 76, SKB_END = 80, XDP_DATA = 0, XDP_END = 4, XDP_META = 8 };
	const struct vm_packet *k = &t->packet;
	u64 data = (u64)(uintptr_t)k->data;

	if (k->view == VM_VIEW_SKB) {
		put_word(ctx, SKB_LEN, k->size);
		put_word(ctx, SKB_DATA, data);
		put_word(ctx, SKB_END, data + k->size);
	} else {
		put_word(ctx, XDP_DATA, data);
		put_word(ctx, XDP_END, data + k->size);
		put_word(ctx, XDP_META, data - k->meta);
	}
}

static bool may_resize(const struct vm_thread *t, u64 ctx, u32 view)
{
	const struct vm_packet *k = &t->packet;

	return k->data && k->view == view && !k->read_only &&
	       (!t->checked || (ctx == (u64)(uintptr_t)t->ctx && t->ctx_size >= 84) ||
		(view == VM_VIEW_XDP && t->ctx_size >= 12));
}

/* Moves the start by `delta` (negative: grows). */
static void move_head(struct vm_thread *t, s64 delta)
{
	struct vm_packet *k = &t->packet;

	k->data += delta;
	k->size = (u32)((s64)k->size - delta);
	k->head_room = (u32)((s64)k->head_room + delta);
}

static void move_tail(struct vm_thread *t, s64 delta)
{
	struct vm_packet *k = &t->packet;

	if (delta > 0)
		memset(k->data + k->size, 0, (size_t)delta);
	k->size = (u32)((s64)k->size + delta);
	k->tail_room = (u32)((s64)k->tail_room - delta);
}

VM_HELPER(skb_change_tail)
{
	struct vm_packet *k = &t->packet;
	s64 delta = (s64)(u32)b - k->size;

	UNUSED;
	if (!may_resize(t, a, VM_VIEW_SKB))
		return NUM(-EOPNOTSUPP);
	if (c || (u32)b < k->net_off || (u32)b > 0xffff)
		return NUM(-EINVAL);
	if (delta > (s64)k->tail_room)
		return NUM(-ENOMEM);
	move_tail(t, delta);
	show(t, a);
	return 0;
}

VM_HELPER(skb_change_head)
{
	struct vm_packet *k = &t->packet;
	u32 n = (u32)b;

	UNUSED;
	if (!may_resize(t, a, VM_VIEW_SKB))
		return NUM(-EOPNOTSUPP);
	if (c || n > 0xffff || k->size + n > 0xffff)
		return NUM(-EINVAL);
	if (n > k->head_room)
		return NUM(-ENOMEM);
	move_head(t, -(s64)n);
	memset(k->data, 0, n);
	k->net_off += n;
	show(t, a);
	return 0;
}

VM_HELPER(xdp_adjust_head)
{
	struct vm_packet *k = &t->packet;
	s64 delta = (s32)b;

	UNUSED;
	if (!may_resize(t, a, VM_VIEW_XDP))
		return NUM(-EOPNOTSUPP);
	if (-delta > (s64)k->head_room - k->meta || delta > (s64)k->size - SHORTEST)
		return NUM(-EINVAL);
	/* The metadata stays right before the packet. */
	if (k->meta)
		memmove(k->data + delta - k->meta, k->data - k->meta, k->meta);
	move_head(t, delta);
	show(t, a);
	return 0;
}

VM_HELPER(xdp_adjust_tail)
{
	struct vm_packet *k = &t->packet;
	s64 delta = (s32)b;

	UNUSED;
	if (!may_resize(t, a, VM_VIEW_XDP))
		return NUM(-EOPNOTSUPP);
	if (delta > (s64)k->tail_room || (s64)k->size + delta < SHORTEST)
		return NUM(-EINVAL);
	move_tail(t, delta);
	show(t, a);
	return 0;
}

VM_HELPER(xdp_adjust_meta)
{
	enum { MOST = 252 };
	struct vm_packet *k = &t->packet;
	s64 size = (s64)k->meta - (s32)b;

	UNUSED;
	if (!may_resize(t, a, VM_VIEW_XDP))
		return NUM(-EOPNOTSUPP);
	if (size < 0 || size > (s64)k->head_room)
		return NUM(-EINVAL);
	if (size % 4 || size > MOST)
		return NUM(-EACCES);
	k->meta = (u32)size;
	show(t, a);
	return 0;
}

/* ---- verdicts -----------------------------------------------------------------------------------
 */

enum { XDP_ABORTED = 0, TC_SHOT = 2, TC_REDIRECT = 7, TO_INGRESS = 1 };

/* What a wrong call gives: a drop. */
static u64 dropped(const struct vm_thread *t)
{
	return t->packet.redirect == TC_REDIRECT ? TC_SHOT : XDP_ABORTED;
}

VM_HELPER(redirect)
{
	u64 known = t->packet.redirect == TC_REDIRECT ? TO_INGRESS : 0;

	UNUSED;
	if (b & ~known)
		return dropped(t);
	t->packet.target = (u32)a;
	return t->packet.redirect;
}

VM_HELPER(redirect_peer)
{
	UNUSED;
	if (b)
		return dropped(t);
	t->packet.target = (u32)a;
	return t->packet.redirect;
}

VM_HELPER(redirect_neigh)
{
	enum { NEXT_HOP_BYTES = 20 };

	UNUSED;
	if (d || (c && (u32)c < NEXT_HOP_BYTES))
		return dropped(t);
	t->packet.target = (u32)a;
	return t->packet.redirect;
}
