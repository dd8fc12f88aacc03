/* format: the record of a tracepoint, from tracefs' text to fields.
 *
 *   	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *
 * The text is the kernel's (Documentation/trace/events.rst, 2.1) and yet is checked like any input:
 * a line of another shape, a number too large or fields that run over the record limit give an
 * error. Fields whose name starts with common_ are left out: programs may not read them.
 */
#include "probes/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_RECORD 8192 /* PERF_MAX_TRACE_SIZE */
#define MAX_FIELDS 1024

/* ---- the text ------------------------------------------------------------------------------- */

static int bad(struct err *e, u32 line, const char *why)
{
	return err_set(e, -SKEP_EBADFILE, "probes", "tracepoint format, line %u: %s", line, why);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Cuts "KEY:VALUE;" off the line. */
static bool take(str *line, const char *key, str *out)
{
	u32 n = str_of(key).n;

	*line = str_trim(*line);
	if (!str_starts(*line, key) || str_find(*line, ';', n) < 0)
		return false;
	*out = str_cut(line, ';');
	*out = str_trim(str_sub(*out, n, out->n - n));
	return true;
}

/* "char comm[16]" -> type "char", name "comm", count 16. The bound may also stand at the type
 * ("char[] name") and may be a name of the kernel's (then the count comes from the size). */
static bool split_declaration(str decl, struct probes_field *f, bool *out_array)
{
	int open, close;
	u32 i;

	*out_array = false;
	open = str_find(decl, '[', 0);
	if (open >= 0) {
		str bound;

		close = str_find(decl, ']', (u32)open);
		if (close < 0)
			return false;
		*out_array = true;
		bound = str_trim(str_sub(decl, (u32)open + 1, (u32)(close - open) - 1));
		if (!str_to_u64(bound, &f->count))
			f->count = 0;
		if ((u32)close + 1 == decl.n)
			decl = str_trim(str_sub(decl, 0, (u32)open));
	}
	i = decl.n;
	while (i > 0 && is_word(decl.s[i - 1]))
		i--;
	f->name = str_sub(decl, i, decl.n - i);
	f->type = str_trim(str_sub(decl, 0, i));
	if (str_ends(f->type, "]"))
		f->type = str_trim(str_sub(f->type, 0, (u32)str_find(f->type, '[', 0)));
	return f->name.n && f->type.n;
}

/* Size of one element by the type's spelling; 0 when only BTF would know. */
static u32 element_size(str type)
{
	static const struct {
		const char *name;
		u32 size;
	} known[] = {
		{ "char", 1 },	{ "unsigned char", 1 },	 { "u8", 1 },  { "__u8", 1 },  { "s8", 1 },
		{ "short", 2 }, { "unsigned short", 2 }, { "u16", 2 }, { "__u16", 2 }, { "s16", 2 },
		{ "int", 4 },	{ "unsigned int", 4 },	 { "u32", 4 }, { "__u32", 4 }, { "s32", 4 },
		{ "long", 8 },	{ "unsigned long", 8 },	 { "u64", 8 }, { "__u64", 8 }, { "s64", 8 },
	};
	u32 i;

	if (str_ends(type, "*"))
		return 8;
	if (str_starts(type, "const "))
		type = str_sub(type, 6, type.n - 6);
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(type, known[i].name))
			return known[i].size;
	return 0;
}

static bool parse_field(struct arena *a, str line, struct probes_field *f)
{
	str decl, off, size, sign;
	u64 off_n, size_n, sign_n;
	bool is_array;

	if (!take(&line, "field:", &decl) || !take(&line, "offset:", &off) ||
	    !take(&line, "size:", &size) || !take(&line, "signed:", &sign))
		return false;
	if (!str_to_u64(off, &off_n) || !str_to_u64(size, &size_n) || !str_to_u64(sign, &sign_n))
		return false;
	if (off_n > MAX_RECORD || size_n > MAX_RECORD || off_n + size_n > MAX_RECORD || sign_n > 1)
		return false;
	*f = (struct probes_field){ .off = (u32)off_n, .size = (u32)size_n, .is_signed = sign_n };
	if (!split_declaration(decl, f, &is_array))
		return false;
	f->is_data_loc = str_starts(f->type, "__data_loc ");
	if (f->is_data_loc)
		f->type = str_trim(str_sub(f->type, 11, f->type.n - 11));
	if (f->is_data_loc || str_starts(f->type, "__rel_loc ")) {
		f->count = 0;
		if (size_n != 4)
			return false;
	} else if (is_array && !f->count && element_size(f->type)) {
		f->count = size_n / element_size(f->type);
	}
	if (f->count > size_n)
		return false;
	f->type = str_dup(a, f->type);
	f->name = str_dup(a, f->name);
	return true;
}

int probes_parse_format(struct arena *a, str text, struct probes_format *out, struct err *e)
{
	struct probes_field f;
	bool have_id = false;
	u32 number = 0;
	str line;
	u64 id;

	*out = (struct probes_format){ .a = a };
	while (text.n) {
		line = str_trim(str_cut(&text, '\n'));
		number++;
		if (str_starts(line, "print fmt:"))
			break;
		if (str_starts(line, "ID:")) {
			if (!str_to_u64(str_trim(str_sub(line, 3, line.n - 3)), &id) ||
			    id > UINT32_MAX)
				return bad(e, number, "the id is malformed");
			out->id = (u32)id;
			have_id = true;
		}
		if (!str_starts(line, "field:"))
			continue;
		if (!parse_field(a, line, &f))
			return bad(e, number, "the field is malformed");
		if (out->fields.n == MAX_FIELDS)
			return bad(e, number, "there are too many fields");
		if (!str_starts(f.name, "common_"))
			*vec_push(a, &out->fields) = f;
	}
	return have_id ? 0 : bad(e, number, "there is no id");
}

/* ---- tracefs -------------------------------------------------------------------------------- */

static int no_tracepoint(struct arena *a, int dir, str category, str event, struct err *e)
{
	struct probes_names names;
	struct nearest near;
	str path;
	u32 i;

	path = str_printf(a, "events/" STR_FMT, STR_ARG(category));
	nearest_init(&near, event);
	if (probes_names_dir(a, dir, path.s, &names)) {
		nearest_init(&near, category);
		probes_names_dir(a, dir, "events", &names);
		for (i = 0; i < names.n; i++)
			nearest_offer(&near, names.at[i]);
		return err_set(e, -SKEP_ENOEVENT, "probes",
			       "this kernel has no tracepoint category '" STR_FMT "'%s" STR_FMT
			       "%s",
			       STR_ARG(category), near.best.n ? "; did you mean '" : "",
			       STR_ARG(near.best), near.best.n ? "'?" : "");
	}
	for (i = 0; i < names.n; i++)
		nearest_offer(&near, names.at[i]);
	return err_set(e, -SKEP_ENOEVENT, "probes",
		       "this kernel has no tracepoint '" STR_FMT ":" STR_FMT "'%s" STR_FMT "%s",
		       STR_ARG(category), STR_ARG(event), near.best.n ? "; did you mean '" : "",
		       STR_ARG(near.best), near.best.n ? "'?" : "");
}

/* base_read_file takes a path of the process; a descriptor's is in /proc. */
static int read_at(struct arena *a, int dir, str path, str *out)
{
	struct trap_guard guard;
	struct sbuf b;
	char piece[4096];
	ssize_t got;
	int fd = openat(dir, path.s, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	trap_guard_push(arena_trap(a), &guard, trap_close_fd, &fd);
	sbuf_init(&b, a);
	while ((got = read(fd, piece, sizeof(piece))) > 0 && b.n < 1 << 20)
		sbuf_put(&b, (str){ piece, (u32)got });
	trap_guard_pop(arena_trap(a));
	close(fd);
	*out = sbuf_str(&b);
	return got < 0 ? -EIO : 0;
}

int probes_tracepoint_format(struct probes_machine *m, struct arena *a, str category, str event,
			     struct probes_format *out, struct err *e)
{
	int dir = probes_tracefs(m, e), err;
	str path, text = { 0 };

	*out = (struct probes_format){ 0 };
	if (dir < 0)
		return probes_builtin_format(a, category, event, out) ? 0 : dir;
	if (!probes_is_symbol(category, false) || !probes_is_symbol(event, false) ||
	    category.s[0] == '.' || event.s[0] == '.')
		return err_set(e, -SKEP_ENOEVENT, "probes",
			       "'" STR_FMT ":" STR_FMT "' cannot be the name of a tracepoint",
			       STR_ARG(category), STR_ARG(event));
	path = str_printf(a, "events/" STR_FMT "/" STR_FMT "/format", STR_ARG(category),
			  STR_ARG(event));
	err = read_at(a, dir, path, &text);
	if ((err == -ENOENT || err == -ENOTDIR) && probes_builtin_format(a, category, event, out))
		return 0;
	if (err == -ENOENT || err == -ENOTDIR)
		return no_tracepoint(a, dir, category, event, e);
	if (err == -EACCES && probes_builtin_format(a, category, event, out))
		return 0;
	if (err == -EACCES)
		return err_set(
			e, -SKEP_ENOCAP, "probes",
			"the formats of tracepoints cannot be read: tracefs belongs to root");
	errno = -err;
	if (err)
		return err_set(e, err, "probes", "tracefs: '%s' cannot be read: %m", path.s);
	return probes_parse_format(a, text, out, e);
}
