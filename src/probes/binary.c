/* binary: the file that a short name means.
 *
 * "libc", "c", "libc.so.6" are looked up in the dynamic loader's cache (/etc/ld.so.cache, the
 * format that glibc writes since 2.2), then in the usual directories; "bash" in PATH. A name with a
 * slash is a path.
 *
 * The cache is a header, n entries of 24 bytes and a string table; offsets count from the header.
 * Every one is checked against the file, so that a damaged cache only finds nothing.
 */
#include "probes/room.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "glibc-ld.so.cache1.1"
#if defined(__x86_64__)
#define CACHE_ABI 0x0300
#define TRIPLET	  "x86_64-linux-gnu"
#else
#define CACHE_ABI 0x0a00
#define TRIPLET	  "aarch64-linux-gnu"
#endif

struct cache_entry {
	s32 flags;
	u32 key, value, os;
	u64 hwcap;
};
struct cache_header {
	char magic[20];
	u32 n, strings;
	u8 flags, pad[3];
	u32 extensions, unused[3];
};
_Static_assert(sizeof(struct cache_entry) == 24, "as glibc writes it");
_Static_assert(sizeof(struct cache_header) == 48, "as glibc writes it");

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static str string_at(str cache, u32 off)
{
	u32 n = 0;

	if (off >= cache.n)
		return STR("");
	while (off + n < cache.n && cache.s[off + n])
		n++;
	return str_sub(cache, off, n);
}

/* Does the library "libc.so.6" answer to "libc", "c" or "libc.so.6"? */
static bool answers(str soname, str want)
{
	str stem;
	int dot;

	if (str_eq(soname, want))
		return true;
	dot = str_find(soname, '.', 0);
	while (dot >= 0 && !str_starts(str_sub(soname, (u32)dot, 3), ".so"))
		dot = str_find(soname, '.', (u32)dot + 1);
	if (dot < 0)
		return false;
	stem = str_sub(soname, 0, (u32)dot);
	if (str_eq(stem, want) || str_eq(str_sub(soname, 0, (u32)dot + 3), want))
		return true;
	return str_starts(stem, "lib") && str_eq(str_sub(stem, 3, stem.n - 3), want);
}

static str in_cache(struct arena *a, str want)
{
	struct cache_header h;
	struct cache_entry x;
	str cache;
	u32 i;
	char *at;

	if (base_read_file(a, "/etc/ld.so.cache", 16 << 20, &cache, NULL))
		return STR("");
	/* An old table may come before the new one. */
	at = memmem(cache.s, cache.n, MAGIC, sizeof(MAGIC) - 1);
	if (!at)
		return STR("");
	cache = str_sub(cache, (u32)(at - cache.s), cache.n);
	if (cache.n < sizeof(h))
		return STR("");
	memcpy(&h, cache.s, sizeof(h));
	for (i = 0; i < h.n && sizeof(h) + (u64)(i + 1) * sizeof(x) <= cache.n; i++) {
		memcpy(&x, cache.s + sizeof(h) + i * sizeof(x), sizeof(x));
		if ((x.flags & 0xff00) == CACHE_ABI && answers(string_at(cache, x.key), want)) {
			str path = str_dup(a, string_at(cache, x.value));

			if (is_file(str_z(a, path)))
				return path;
		}
	}
	return STR("");
}

static str in_directories(struct arena *a, str want)
{
	static const char *const dirs[] = {
		"/lib/" TRIPLET, "/usr/lib/" TRIPLET, "/lib64",		"/usr/lib64",
		"/lib",		 "/usr/lib",	      "/usr/local/lib",
	};
	struct probes_names names;
	u32 i, k;

	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		if (probes_names_dir(a, -1, dirs[i], &names))
			continue;
		for (k = 0; k < names.n; k++) {
			str path = str_printf(a, "%s/" STR_FMT, dirs[i], STR_ARG(names.at[k]));

			if (answers(names.at[k], want) && is_file(path.s))
				return path;
		}
	}
	return STR("");
}

static str in_path(struct arena *a, str want)
{
	const char *env = getenv("PATH");
	str rest = str_of(env ? env : "/usr/local/bin:/usr/bin:/bin"), dir, path;

	while (rest.n) {
		dir = str_cut(&rest, ':');
		path = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(dir.n ? dir : STR(".")),
				  STR_ARG(want));
		if (is_file(path.s) && access(path.s, X_OK) == 0)
			return path;
	}
	return STR("");
}

str probes_find_binary(struct arena *a, str name)
{
	bool is_library = str_starts(name, "lib");
	str found = STR("");

	if (!name.n || memchr(name.s, 0, name.n))
		return found;
	if (str_find(name, '/', 0) >= 0)
		return is_file(str_z(a, name)) ? str_dup(a, name) : found;
	if (!is_library)
		found = in_path(a, name);
	if (!found.n)
		found = in_cache(a, name);
	if (!found.n)
		found = in_directories(a, name);
	if (!found.n && is_library)
		found = in_path(a, name);
	return found;
}
