/* Helpers: checksums of the Internet protocols (RFC 1071, RFC 1624).
 *
 * Sums are ones' complement, kept unfolded in 32 bits as the kernel keeps them; a field in a packet
 * holds the complement of the folded sum. Replacing takes the old words out of the field and puts
 * the new ones in, without looking at the rest of the packet.
 *
 * Packets here carry no checksum that a device computed: what only changes that (csum_update,
 * csum_level) answers as the kernel does for packets without one.
 */
#include "vm/run.h"

#include <errno.h>
#include <string.h>

#define UNUSED		((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)
#define PTR(x)		((void *)(uintptr_t)(x))
#define NUM(x)		((u64)(s64)(x))
#define ENOTSUPP_KERNEL 524

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

static u16 fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)((sum & 0xffff) + (sum >> 16));
}

/* Folded to 16 bits, as kernels from 6.13 on give it on every machine. */
VM_HELPER(csum_diff)
{
	u32 from_size = (u32)b, to_size = (u32)d, sum = (u32)e;

	UNUSED;
	if ((from_size | to_size) & 3)
		return NUM(-EINVAL);
	if (to_size)
		sum = sum_words(PTR(c), to_size, sum);
	/* Which of the two zeroes comes out depends on the order; it is the kernel's. */
	if (to_size && from_size)
		sum = sum_words(NULL, 0, (u64)sum + (u32)~sum_words(PTR(a), from_size, 0));
	else if (from_size)
		sum = ~sum_words(PTR(a), from_size, (u32)~sum);
	return fold(sum);
}

/* ---- fields of packets --------------------------------------------------------------------------
 */

enum {
	FIELD_SIZE = 0xf,
	PSEUDO_HEADER = 1 << 4,
	MANGLED_0 = 1 << 5,
	ENFORCE = 1 << 6,
	IPV6_PSEUDO = 1 << 7
};

static u32 add32(u32 a, u32 b)
{
	u32 sum = a + b;

	return sum + (sum < a);
}

static u16 add16(u16 a, u16 b)
{
	u16 sum = (u16)(a + b);

	return (u16)(sum + (sum < a));
}

/* The field of two bytes at `off`, or NULL. */
static u8 *field_at(const struct vm_thread *t, u64 off)
{
	const struct vm_packet *k = &t->packet;

	if ((u32)off > 0xffff || off & 1 || !k->data || k->read_only || k->size < 2 ||
	    (u32)off > k->size - 2)
		return NULL;
	return k->data + (u32)off;
}

/* A known difference (`size` 0), or a word of 4 bytes that changes. */
static u16 replaced(u16 field, u32 size, u32 from, u32 to)
{
	u32 sum = (u16)~field;

	if (size)
		sum = add32(sum, ~from);
	return (u16)~fold(add32(sum, to));
}

VM_HELPER(l3_csum_replace)
{
	u32 size = (u32)e & FIELD_SIZE;
	u8 *at = field_at(t, b);
	u16 field;

	UNUSED;
	if (e & ~(u64)FIELD_SIZE)
		return NUM(-EINVAL);
	if (!at)
		return NUM(-EFAULT);
	if ((size == 0 && c) || (size != 0 && size != 2 && size != 4))
		return NUM(-EINVAL);
	memcpy(&field, at, 2);
	/* Two bytes are summed as such: the result may be the other zero. */
	if (size == 2)
		field = (u16)~add16(add16((u16)~field, (u16) ~(u16)c), (u16)d);
	else
		field = replaced(field, size, (u32)c, (u32)d);
	memcpy(at, &field, 2);
	return 0;
}

VM_HELPER(l4_csum_replace)
{
	u32 size = (u32)e & FIELD_SIZE;
	bool keeps_zero = e & MANGLED_0;
	u8 *at = field_at(t, b);
	u16 field;

	UNUSED;
	if (e & ~(u64)(FIELD_SIZE | PSEUDO_HEADER | MANGLED_0 | ENFORCE | IPV6_PSEUDO))
		return NUM(-EINVAL);
	if (!at)
		return NUM(-EFAULT);
	memcpy(&field, at, 2);
	if (keeps_zero && !(e & ENFORCE) && !field)
		return 0;
	if ((size == 0 && c) || (size != 0 && size != 2 && size != 4))
		return NUM(-EINVAL);
	field = size == 2 ? replaced(field, 4, (u16)c, (u16)d)
			  : replaced(field, size, (u32)c, (u32)d);
	/* UDP: 0 means that there is no checksum. */
	if (keeps_zero && !field)
		field = 0xffff;
	memcpy(at, &field, 2);
	return 0;
}

VM_HELPER(csum_update)
{
	UNUSED;
	return NUM(-ENOTSUPP_KERNEL);
}

VM_HELPER(csum_level)
{
	enum { QUERY, INCREASE, DECREASE, RESET };

	UNUSED;
	return b == QUERY ? NUM(-EACCES) : b <= RESET ? 0 : NUM(-EINVAL);
}
