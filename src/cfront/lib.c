/* lib: the folder lib/ as tables.
 *
 * scripts/embed-lib writes lib_headers.inc, which is read three times here:
 *   LIB_HEADER(name, text)                    lib/…: what #include gives
 *   LIB_MACRO(name, text, since, until)       lib/auto: macros defined without an #include; a row
 *                                             holds for since <= LINUX_VERSION_CODE < until
 *   LIB_CONSTANT(name, expression)            lib/constants: evaluated by the compiler that builds
 *   skep,
 *                                             with the type that C gives the expression
 * All are sorted bytewise by name and searched by halving, so a run pays only for the names it
 * uses.
 */
#include "cfront/lib.h"

#include <string.h>

#define VERSION(a, b, c) ((a)*65536u + (b)*256u + (c))

struct header {
	const char *name;
	str text;
};
static const struct header headers[] = {
#define LIB_HEADER(name, text) { name, { "" text, sizeof(text) - 1 } },
#define LIB_MACRO(name, text, since, until)
#define LIB_CONSTANT(name, expression)
#include "lib_headers.inc"
#undef LIB_HEADER
#undef LIB_MACRO
};

struct macro {
	const char *name, *text;
	u32 since, until;
};
static const struct macro macros[] = {
#define LIB_HEADER(name, text)
#define LIB_MACRO(name, text, since, until) { name, text, since, until },
#include "lib_headers.inc"
#undef LIB_MACRO
#undef LIB_CONSTANT
};

static const struct cf_constant constants[] = {
#define LIB_MACRO(name, text, since, until)
#define LIB_CONSTANT(name, e) { name, (s64)(e), sizeof(e), (__typeof__(e))-1 > (__typeof__(e))0 },
#include "lib_headers.inc"
#undef LIB_HEADER
#undef LIB_MACRO
#undef LIB_CONSTANT
};

static const struct cf_lib_type types[] = {
#define U(name, size) { name, size, false, false, false, false },
#define S(name, size) { name, size, true, false, false, false },
#define ULL(name)     { name, 8, false, false, false, true },
#define SLL(name)     { name, 8, true, false, false, true },
	U("__be16", 2) U("__be32", 4) ULL("__be64") S("__int128_t", 16) U("__le16", 2)
		U("__le32", 4) ULL("__le64") S("__s16", 2) S("__s32", 4) SLL("__s64") S("__s8", 1)
			U("__sum16", 2) U("__u16", 2) U("__u32", 4) ULL("__u64") U("__u8", 1)
				U("__uint128_t", 16)
					U("__wsum", 4){ "bool", 1, false, true, false, false },
	U("dev_t", 4) U("gfp_t", 4) U("gid_t", 4) U("ino_t", 8) S("int16_t", 2) S("int32_t", 4) S(
		"int64_t", 8) S("int8_t", 1) S("intptr_t", 8) SLL("loff_t") U("mode_t", 4)
		S("off_t", 8) U("pgoff_t", 8) S("pid_t", 4) S("ptrdiff_t",
							      8) S("s16", 2) S("s32", 4) SLL("s64")
			S("s8", 1) ULL("sector_t") U("size_t", 8) S("ssize_t", 8) S(
				"time64_t", 8) U("u16", 2) U("u32", 4) ULL("u64") U("u8", 1)
				U("u_char", 1) U("u_int", 4) U("u_long", 8) U("u_short", 2)
					U("uid_t", 4) U("uint", 4) U("uint16_t", 2) U("uint32_t", 4)
						U("uint64_t", 8) U("uint8_t", 1) U("uintptr_t", 8)
							U("ulong", 8) U("umode_t", 2) U("ushort", 2)
								S("wchar_t", 4)
#undef U
#undef S
#undef ULL
#undef SLL
};

/* struct sock, inet_sock, in6_addr, and what newer kernels renamed. */
static const struct {
	const char *name, *path;
} members[] = {
	{ "inet_daddr", "sk.__sk_common.skc_daddr" },
	{ "inet_dport", "sk.__sk_common.skc_dport" },
	{ "inet_num", "sk.__sk_common.skc_num" },
	{ "inet_rcv_saddr", "sk.__sk_common.skc_rcv_saddr" },
	{ "s6_addr", "in6_u.u6_addr8" },
	{ "s6_addr16", "in6_u.u6_addr16" },
	{ "s6_addr32", "in6_u.u6_addr32" },
	{ "sk_bound_dev_if", "__sk_common.skc_bound_dev_if" },
	{ "sk_cookie", "__sk_common.skc_cookie" },
	{ "sk_daddr", "__sk_common.skc_daddr" },
	{ "sk_dport", "__sk_common.skc_dport" },
	{ "sk_family", "__sk_common.skc_family" },
	{ "sk_flags", "__sk_common.skc_flags" },
	{ "sk_hash", "__sk_common.skc_hash" },
	{ "sk_ipv6only", "__sk_common.skc_ipv6only" },
	{ "sk_net", "__sk_common.skc_net" },
	{ "sk_num", "__sk_common.skc_num" },
	{ "sk_portpair", "__sk_common.skc_portpair" },
	{ "sk_prot", "__sk_common.skc_prot" },
	{ "sk_rcv_saddr", "__sk_common.skc_rcv_saddr" },
	{ "sk_refcnt", "__sk_common.skc_refcnt" },
	{ "sk_reuse", "__sk_common.skc_reuse" },
	{ "sk_reuseport", "__sk_common.skc_reuseport" },
	{ "sk_state", "__sk_common.skc_state" },
	{ "sk_v6_daddr", "__sk_common.skc_v6_daddr" },
	{ "sk_v6_rcv_saddr", "__sk_common.skc_v6_rcv_saddr" },
};

/* Finds `key` among n rows of `size` bytes that begin with their name. With equal names: the
 * first. */
static const void *find_row(const void *rows, size_t n, size_t size, str key)
{
	size_t lo = 0, hi = n;
	const char *name;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		memcpy(&name, (const char *)rows + mid * size, sizeof(name));
		if (str_cmp(str_of(name), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n)
		return NULL;
	memcpy(&name, (const char *)rows + lo * size, sizeof(name));
	return str_is(key, name) ? (const char *)rows + lo * size : NULL;
}
#define find_in(table, key) find_row(table, ARRAY_LEN(table), sizeof((table)[0]), key)

bool cf_lib_header(str name, str *out_text, struct nearest *near)
{
	const struct header *row = find_in(headers, name);

	if (row) {
		*out_text = row->text;
		return true;
	}
	for (size_t i = 0; near && i < ARRAY_LEN(headers); i++)
		nearest_offer(near, str_of(headers[i].name));
	return false;
}

const struct cf_constant *cf_lib_constant(str name)
{
	return find_in(constants, name);
}

void cf_lib_constant_near(struct nearest *near)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		nearest_offer(near, str_of(constants[i].name));
}

const struct cf_lib_type *cf_lib_type(str name)
{
	return find_in(types, name);
}

void cf_lib_type_near(struct nearest *near)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		nearest_offer(near, str_of(types[i].name));
}

const char *cf_lib_member(str name)
{
	const struct {
		const char *name, *path;
	} *row = find_in(members, name);

	return row ? row->path : NULL;
}

const char *cf_lib_macro(str name, u32 version)
{
	const struct macro *row = find_in(macros, name);

	for (; row && row < macros + ARRAY_LEN(macros) && str_is(name, row->name); row++)
		if (row->since <= version && version < row->until)
			return row->text;
	return NULL;
}

const char *cf_lib_macro_at(u32 i)
{
	return i < ARRAY_LEN(macros) ? macros[i].name : NULL;
}

const struct cf_constant *cf_lib_constant_at(u32 i)
{
	return i < ARRAY_LEN(constants) ? &constants[i] : NULL;
}

const struct cf_lib_type *cf_lib_type_at(u32 i)
{
	return i < ARRAY_LEN(types) ? &types[i] : NULL;
}

const char *cf_lib_header_at(u32 i)
{
	return i < ARRAY_LEN(headers) ? headers[i].name : NULL;
}
