/* The compute kernels of bench/jit.c: one source, compiled for this machine and for BPF. `m` is 4096 bytes of memory
 * that the harness fills; the kernels' own tables lie in its upper half. Each returns a checksum of its work.
 */
#ifdef __bpf__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
#ifndef KERNEL /* bench/run has another one for skep */
#define KERNEL(name) __attribute__((section("s_" #name), used)) u64 name(u8 *m)
#endif
#else
#define KERNEL(name) __attribute__((noinline)) u64 name(u8 *m)
#endif
#define SUB static __attribute__((noinline))
#define INL static inline __attribute__((always_inline))

/* RFC 1071 checksum of 2 KiB. */
KERNEL(k_checksum)
{
	const u16 *p = (const u16 *)m;
	u32 sum = 0;

	for (u32 i = 0; i < 1024; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

KERNEL(k_fnv)
{
	u64 h = 0xcbf29ce484222325ull;

	for (u32 i = 0; i < 2048; i++)
		h = (h ^ m[i]) * 0x100000001b3ull;
	return h;
}

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define SIPROUND do { \
	v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32); \
	v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2; \
	v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0; \
	v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32); \
} while (0)

KERNEL(k_siphash)
{
	const u64 *p = (const u64 *)m;
	u64 v0 = 0x736f6d6570736575ull, v1 = 0x646f72616e646f6dull;
	u64 v2 = 0x6c7967656e657261ull, v3 = 0x7465646279746573ull;

	for (u32 i = 0; i < 128; i++) {
		v3 ^= p[i];
		SIPROUND;
		SIPROUND;
		v0 ^= p[i];
	}
	v2 ^= 0xff;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

KERNEL(k_xorshift)
{
	u64 x = *(const u64 *)m | 1, sum = 0;

	for (u32 i = 0; i < 2000; i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		sum += x * 2685821657736338717ull;
	}
	return sum;
}

KERNEL(k_primes)
{
	u32 n = 0;

	for (u32 i = 3; i < 600; i += 2) {
		u32 d = 3;

		while (d * d <= i && i % d)
			d += 2;
		n += d * d > i;
	}
	return n + m[0];
}

KERNEL(k_sieve)
{
	u8 *s = m + 2048;
	u32 n = 0;

	for (u32 i = 0; i < 2000; i++)
		s[i] = 1;
	for (u32 i = 2; i < 45; i++)
		if (s[i])
			for (u32 k = i * i; k < 2000; k += i)
				s[k] = 0;
	for (u32 i = 2; i < 2000; i++)
		n += s[i];
	return n;
}

KERNEL(k_strings)
{
	u32 len = 0, same = 0;
	const u8 *a = m, *b = m + 1024;

	while (len < 1000 && a[len] != 0)
		len++;
	while (same < 1000 && a[same] == b[same] && a[same])
		same++;
	return (u64)len << 32 | same;
}

/* Words, numbers and signs of a text. */
KERNEL(k_tokens)
{
	u32 words = 0, numbers = 0, signs = 0, value = 0, state = 0;
	u64 hash = 0;

	for (u32 i = 0; i < 1000; i++) {
		u8 c = m[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') {
			if (state != 1)
				words++;
			state = 1;
			hash = hash * 31 + c;
		} else if (c >= '0' && c <= '9') {
			if (state == 0) {
				numbers++;
				state = 2;
				value = 0;
			}
			value = value * 10 + (c - '0');
			if (state == 2)
				hash += value;
		} else if (c == ' ' || c == '\n' || c == '\t') {
			state = 0;
		} else {
			signs++;
			state = 0;
			hash ^= (u64)c << (signs & 31);
		}
	}
	return hash + words * 3 + numbers * 5 + signs * 7;
}

/* Open addressing: 64 inserts and 64 lookups in 128 slots. */
KERNEL(k_table)
{
	struct entry { u32 key, value; } *t = (struct entry *)(m + 2048);
	const u32 *keys = (const u32 *)m;
	u64 sum = 0;

	for (u32 i = 0; i < 128; i++)
		t[i].key = 0;
	for (u32 i = 0; i < 64; i++) {
		u32 key = keys[i] | 1, h = (key * 2654435761u) >> 25;

		for (u32 k = 0; k < 128 && t[h].key && t[h].key != key; k++)
			h = (h + 1) & 127;
		t[h].key = key;
		t[h].value += i;
	}
	for (u32 i = 0; i < 64; i++) {
		u32 key = keys[i ^ 5] | 1, h = (key * 2654435761u) >> 25;

		for (u32 k = 0; k < 128 && t[h].key != key; k++)
			h = (h + 1) & 127;
		sum += t[h].value * 3u + h;
	}
	return sum;
}

KERNEL(k_matrix)
{
	const u32 *a = (const u32 *)m, *b = a + 144;
	u32 *c = (u32 *)(m + 2048), sum = 0;

	for (u32 i = 0; i < 12; i++)
		for (u32 k = 0; k < 12; k++) {
			u32 x = 0;

			for (u32 j = 0; j < 12; j++)
				x += a[i * 12 + j] * b[j * 12 + k];
			c[i * 12 + k] = x;
			sum ^= x;
		}
	return sum;
}

SUB u64 mix(u64 a, u64 b)
{
	a ^= b >> 7;
	return a * 0x9e3779b97f4a7c15ull + b;
}

SUB u64 step(u64 a, u64 b, u64 c) { return mix(a, b) ^ mix(b, c); }

KERNEL(k_calls)
{
	u64 x = m[0];

	for (u32 i = 0; i < 200; i++)
		x = step(x, i, x >> 3);
	return x;
}

/* Ethernet, IPv4, UDP or TCP: addresses and ports of 32 packets of 64 bytes. */
KERNEL(k_packets)
{
	u64 sum = 0;

	for (u32 i = 0; i < 32; i++) {
		const u8 *p = m + i * 64, *end = p + 64;
		u32 ihl, ports;

		if (p + 34 > end || *(const u16 *)(p + 12) != __builtin_bswap16(0x0800)) {
			sum += 1;
			continue;
		}
		ihl = (p[14] & 15) * 4;
		if (ihl < 20 || (p[23] != 6 && p[23] != 17)) {
			sum += 2;
			continue;
		}
		if (p + 14 + ihl + 4 > end) {
			sum += 3;
			continue;
		}
		ports = (u32)p[14 + ihl] << 24 | (u32)p[15 + ihl] << 16 | (u32)p[16 + ihl] << 8 |
			p[17 + ihl];
		sum += ports + __builtin_bswap32(*(const u32 *)(p + 26)) + p[22];
	}
	return sum;
}

/* CRC-32 by a table of 16 entries. */
KERNEL(k_crc)
{
	u32 *t = (u32 *)(m + 2048), crc = ~0u;

	for (u32 i = 0; i < 16; i++) {
		u32 x = i;

		for (u32 k = 0; k < 4; k++)
			x = x & 1 ? x >> 1 ^ 0xedb88320u : x >> 1;
		t[i] = x;
	}
	for (u32 i = 0; i < 1024; i++) {
		crc = t[(crc ^ m[i]) & 15] ^ crc >> 4;
		crc = t[(crc ^ m[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

/* Sorts 64 numbers by insertion. */
KERNEL(k_sort)
{
	u32 *t = (u32 *)(m + 2048);
	const u32 *from = (const u32 *)m;

	for (u32 i = 0; i < 64; i++) {
		u32 x = from[i], k = i;

		while (k > 0 && t[k - 1] > x) {
			t[k] = t[k - 1];
			k--;
		}
		t[k] = x;
	}
	return (u64)t[0] << 32 | t[31];
}
