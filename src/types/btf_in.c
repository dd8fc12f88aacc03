/* btf_in: from BTF records to types.
 *
 * Opening maps the blob and checks its header, nothing more; walking and finding is btf_index.c. A
 * type is built when its id is first asked for and kept by id, so equal ids give equal pointers.
 * Structs, unions and enums are built without what is inside them; ty_complete() decodes that. So
 * asking for `struct task_struct` builds a few hundred types, not a kernel.
 *
 * What the records mean (kernel documentation, bpf/btf): modifiers become qualifiers; a TYPE_TAG
 * right behind a pointer becomes the pointer's space, other tags are dropped; integers with the
 * name and shape of a C type become that basic type; a declaration of a struct is replaced by its
 * definition if the blob has one; a VAR stands for its type.
 *
 * BTF does not say how structs are aligned: the largest alignment of the members is taken, unless
 * an offset or the size contradicts it: then the struct is packed, with alignment 1.
 *
 * The blob is not trusted. Ids and offsets are checked where they are used; a reference that leads
 * nowhere, or back into itself without a struct in between, or deeper than MAX_BUILD, is void; a
 * struct with a member outside itself stays incomplete.
 *
 * The kernel's own BTF is mapped (Linux 6.16 and later), which costs no memory of the process;
 * where that is refused it is read, 5.5 MB for a distribution's kernel. Other files are always
 * read, because a mapping of a file that somebody truncates would kill the process.
 */
#include "types/btf_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MAX_BLOB   (((size_t)64 << 20) - 1)
#define MAX_BUILD  256

/* ---- opening -------------------------------------------------------------------------------- */

static int bad(struct err *e, const char *what)
{
	return err_set(e, -SKEP_EBADFILE, "types", "The BTF cannot be read: %s.", what);
}

static int check_head(struct ty_btf *b, const u8 *blob, size_t size, struct err *e)
{
	struct btf_head h;

	if (!blob || size < sizeof(h))
		return bad(e, "it is shorter than its header");
	memcpy(&h, blob, sizeof(h));
	if (h.magic == __builtin_bswap16(BTF_MAGIC))
		return bad(e, "it is for a machine of the other byte order");
	if (h.magic != BTF_MAGIC)
		return bad(e, "it does not start with the magic number of BTF");
	if (h.version != BTF_VERSION)
		return bad(e, "its version is unknown");
	if (h.hdr_len < sizeof(h) || h.hdr_len > size)
		return bad(e, "the length of its header is wrong");
	size -= h.hdr_len;
	if (h.type_off > size || h.type_len > size - h.type_off)
		return bad(e, "its types lie outside of the file");
	if (h.str_off > size || h.str_len > size - h.str_off)
		return bad(e, "its strings lie outside of the file");
	b->types = blob + h.hdr_len + h.type_off;
	b->types_len = h.type_len;
	b->strs = (const char *)blob + h.hdr_len + h.str_off;
	b->strs_len = h.str_len;
	if (!h.str_len || b->strs[0] || b->strs[h.str_len - 1])
		return bad(e, "its strings do not start and end with a NUL");
	return 0;
}

static struct ty_btf *btf_new(struct ty_table *t)
{
	struct ty_btf *b = arena_new_of(ty_table_arena(t), struct ty_btf);

	b->table = t;
	b->a = ty_table_arena(t);
	b->first_id = 1;
	return b;
}

int ty_btf_parse(struct ty_table *t, const void *bytes, size_t size, struct ty_btf **out,
		 struct err *e)
{
	struct ty_btf *b = btf_new(t);
	int err = size > MAX_BLOB ? bad(e, "it is 64 MB or larger") : check_head(b, bytes, size, e);

	if (err)
		return err;
	ty_btf_scan(b);
	if (b->broken)
		return bad(e, "a type is cut short or of an unknown kind");
	*out = b;
	return 0;
}

/* Fills `to` from the file; the number of bytes, or negative. */
static ssize_t read_all(int fd, u8 *to, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, to + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

/* Maps or reads `size` bytes of an open file into b->map. */
static int load(struct ty_btf *b, int fd, size_t size, bool may_map)
{
	ssize_t n;

	b->map_len = size;
	b->map = MAP_FAILED;
	if (may_map)
		b->map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (b->map != MAP_FAILED)
		return 0;
	b->map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return -errno;
	}
	n = read_all(fd, b->map, size);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EIO;
}

static int open_failed(const char *path, bool is_kernel, int code, struct err *e)
{
	if (is_kernel && (code == -ENOENT || code == -ENOTDIR))
		return err_set(e, -SKEP_ENOBTF, "types",
			       "This kernel gives no type information: %s does not exist. It needs "
			       "a kernel built with CONFIG_DEBUG_INFO_BTF, and sysfs mounted.",
			       path);
	return err_set(e, code, "types", "Cannot read the type information in %s: %s.", path,
		       strerror(-code));
}

static int open_file(struct ty_btf *b, const char *path, struct err *e)
{
	bool is_kernel = !strcmp(path, KERNEL_BTF);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;

	if (fd < 0)
		return open_failed(path, is_kernel, -errno, e);
	if (fstat(fd, &st) < 0)
		err = open_failed(path, is_kernel, -errno, e);
	else if (!S_ISREG(st.st_mode))
		err = bad(e, "it is not a file");
	else if (st.st_size < (off_t)sizeof(struct btf_head) || st.st_size > (off_t)MAX_BLOB)
		err = bad(e, "it has no plausible size");
	if (!err) {
		err = load(b, fd, (size_t)st.st_size, is_kernel);
		if (err)
			open_failed(path, is_kernel, err, e);
	}
	close(fd);
	return err;
}

int ty_btf_open(struct ty_table *t, const char *path, struct ty_btf **out, struct err *e)
{
	struct ty_btf *b = btf_new(t);
	int err = open_file(b, path ? path : KERNEL_BTF, e);

	err = err ? err : check_head(b, b->map, b->map_len, e);
	if (err) {
		ty_btf_close(b);
		return err;
	}
	*out = b;
	return 0;
}

void ty_btf_close(struct ty_btf *b)
{
	if (b && b->map)
		munmap(b->map, b->map_len);
	if (b)
		b->map = NULL;
}

/* ---- building types ------------------------------------------------------------------------- */

static const struct type *build(struct ty_btf *b, u32 id);

static const struct type *type_void(struct ty_btf *b)
{
	return ty_basic(b->table, TY_B_VOID);
}

/* A type that a record refers to: void where that leads nowhere. */
static const struct type *refer(struct ty_btf *b, u32 id)
{
	const struct type *ty = id ? build(b, id) : NULL;

	return ty ? ty : type_void(b);
}

static struct ty_node *node_from(struct ty_btf *b, enum ty_kind kind, const u8 *rec, u32 id)
{
	struct ty_node *n = ty_node_new(b->table, kind);

	n->t.name = ty_btf_string(b, btf_word(rec, 0));
	n->t.btf = b;
	n->t.btf_id = id;
	return n;
}

static bool is_int_size(u32 size)
{
	return size && size <= 16 && !(size & (size - 1));
}

/* Compilers spell the same type differently in debug information. */
static const struct type *basic_int(struct ty_btf *b, str name, u32 size, u32 encoding)
{
	static const struct {
		const char *name;
		u8 basic;
	} names[] = {
		{ "int", TY_B_INT },
		{ "char", TY_B_CHAR },
		{ "_Bool", TY_B_BOOL },
		{ "unsigned int", TY_B_UINT },
		{ "unsigned char", TY_B_UCHAR },
		{ "signed char", TY_B_SCHAR },
		{ "short", TY_B_SHORT },
		{ "short int", TY_B_SHORT },
		{ "unsigned short", TY_B_USHORT },
		{ "short unsigned int", TY_B_USHORT },
		{ "long", TY_B_LONG },
		{ "long int", TY_B_LONG },
		{ "unsigned long", TY_B_ULONG },
		{ "long unsigned int", TY_B_ULONG },
		{ "long long", TY_B_LLONG },
		{ "long long int", TY_B_LLONG },
		{ "unsigned long long", TY_B_ULLONG },
		{ "long long unsigned int", TY_B_ULLONG },
		{ "__int128", TY_B_INT128 },
		{ "unsigned __int128", TY_B_UINT128 },
		{ "__int128 unsigned", TY_B_UINT128 },
	};

	for (u32 i = 0; i < ARRAY_LEN(names); i++) {
		const struct type *ty = ty_basic(b->table, names[i].basic);

		/* Plain char is signed for BPF, whatever the kernel was compiled with. */
		if (str_is(name, names[i].name) && ty->size == size &&
		    (ty->is_signed == !!(encoding & BTF_INT_SIGNED) || names[i].basic == TY_B_CHAR))
			return ty;
	}
	return NULL;
}

static const struct type *build_int(struct ty_btf *b, const u8 *rec, u32 id)
{
	u32 size = btf_word(rec, 2), encoding = btf_word(rec, 3) >> 24 & 15;
	const struct type *ty = basic_int(b, ty_btf_string(b, btf_word(rec, 0)), size, encoding);
	struct ty_node *n;

	if (ty)
		return ty;
	if (!is_int_size(size))
		return NULL;
	n = node_from(b, TY_INT, rec, id);
	n->t.size = n->t.align = size;
	n->t.is_signed = encoding & BTF_INT_SIGNED;
	n->t.is_bool = encoding & BTF_INT_BOOL;
	n->t.is_char = size == 1 && !n->t.is_bool;
	n->t.complete = true;
	return &n->t;
}

static u32 float_align(u32 size)
{
	return size & -size;
}

static const struct type *build_float(struct ty_btf *b, const u8 *rec, u32 id)
{
	u32 size = btf_word(rec, 2);
	struct ty_node *n;

	if (size < 2 || size > 16)
		return NULL;
	n = node_from(b, TY_FLOAT, rec, id);
	n->t.size = size;
	n->t.align = float_align(size);
	n->t.is_signed = n->t.complete = true;
	return &n->t;
}

static enum ty_space space_of(str tag)
{
	static const struct {
		const char *tag;
		u8 space;
	} tags[] = {
		{ "user", TY_SPACE_USER },
		{ "rcu", TY_SPACE_RCU },
		{ "percpu", TY_SPACE_PERCPU },
		{ "percpu_kptr", TY_SPACE_PERCPU },
	};

	for (u32 i = 0; i < ARRAY_LEN(tags); i++)
		if (str_is(tag, tags[i].tag))
			return tags[i].space;
	return str_starts(tag, "kptr") ? TY_SPACE_KPTR : TY_SPACE_NONE;
}

static const struct type *build_ptr(struct ty_btf *b, const u8 *rec)
{
	enum ty_space space = TY_SPACE_NONE;
	u32 to = btf_word(rec, 2);

	/* A flagged tag is some other attribute of the pointee. */
	for (u32 i = 0; i < TY_MAX_DEPTH; i++) {
		const u8 *tag = ty_btf_record(b, to);

		if (!tag || btf_kind_of(btf_word(tag, 1)) != BTF_TYPE_TAG)
			break;
		if (!space && !btf_flag(btf_word(tag, 1)))
			space = space_of(ty_btf_string(b, btf_word(tag, 0)));
		to = btf_word(tag, 2);
	}
	return ty_ptr_in(b->table, refer(b, to), space);
}

/* No elements are `[]`: BTF has no other way to say it, and a true [0] means the same in C. */
static const struct type *build_array(struct ty_btf *b, const u8 *rec)
{
	u32 count = btf_word(rec, 5);
	const struct type *elem = refer(b, btf_word(rec, 3));

	if (elem->kind == TY_VOID || elem->kind == TY_FUNC)
		return NULL;
	return ty_array_of(b->table, elem, count ? count : TY_UNSIZED);
}

static const struct type *build_enum(struct ty_btf *b, const u8 *rec, u32 id)
{
	u32 size = btf_word(rec, 2), info = btf_word(rec, 1);
	struct ty_node *n;

	if (!is_int_size(size) || size > 8)
		return NULL;
	n = node_from(b, TY_ENUM, rec, id);
	n->t.size = n->t.align = size;
	n->t.is_signed = btf_flag(info);
	n->t.to = ty_int_of(b->table, size, n->t.is_signed);
	n->t.complete = true;
	n->lazy = TY_LAZY_BTF;
	return &n->t;
}

static const struct type *build_aggregate(struct ty_btf *b, const u8 *rec, u32 id)
{
	u32 kind = btf_kind_of(btf_word(rec, 1));
	struct ty_node *n = node_from(b, kind == BTF_UNION ? TY_UNION : TY_STRUCT, rec, id);

	n->t.size = btf_word(rec, 2);
	n->lazy = TY_LAZY_BTF;
	return &n->t;
}

static const struct type *build_forward(struct ty_btf *b, const u8 *rec, u32 id)
{
	enum ty_kind kind = btf_flag(btf_word(rec, 1)) ? TY_UNION : TY_STRUCT;
	str name = ty_btf_string(b, btf_word(rec, 0));
	u32 def = ty_btf_lookup(b, kind, name);
	const u8 *to = def ? ty_btf_record(b, def) : NULL;
	struct ty_node *n;

	if (to && btf_kind_of(btf_word(to, 1)) != BTF_FWD)
		return build(b, def);
	n = node_from(b, kind, rec, id);
	n->t.align = 1;
	return &n->t;
}

static const struct type *build_proto(struct ty_btf *b, const u8 *rec)
{
	u32 n = btf_vlen(btf_word(rec, 1));
	const u8 *p = rec + BTF_RECORD;
	struct ty_param *params = arena_array_of(b->a, struct ty_param, n);
	bool variadic = n && !btf_word(p, 2 * (n - 1)) && !btf_word(p, 2 * (n - 1) + 1);
	const struct type *ret = refer(b, btf_word(rec, 2));

	n -= variadic;
	for (u32 i = 0; i < n; i++) {
		params[i].name = ty_btf_string(b, btf_word(p, 2 * i));
		params[i].type = refer(b, btf_word(p, 2 * i + 1));
	}
	return ty_func_of(b->table, ret, params, n, variadic);
}

/* A function: its prototype, with name and id of its own. */
static const struct type *build_func(struct ty_btf *b, const u8 *rec, u32 id)
{
	const struct type *proto = refer(b, btf_word(rec, 2));
	struct ty_node *n;

	if (proto->kind != TY_FUNC)
		return NULL;
	n = node_from(b, TY_FUNC, rec, id);
	n->t.to = proto->to;
	n->t.params = proto->params;
	n->t.n = proto->n;
	n->t.variadic = proto->variadic;
	n->t.size = n->t.align = 1;
	n->t.complete = true;
	return &n->t;
}

static const struct type *build_typedef(struct ty_btf *b, const u8 *rec, u32 id)
{
	const struct type *to = refer(b, btf_word(rec, 2));
	const struct type *ty = ty_typedef_new(b->table, ty_btf_string(b, btf_word(rec, 0)), to);

	ty_node_of(ty)->t.btf = b;
	ty_node_of(ty)->t.btf_id = id;
	return ty;
}

static const struct type *build_record(struct ty_btf *b, const u8 *rec, u32 id)
{
	switch ((enum btf_kind)btf_kind_of(btf_word(rec, 1))) {
	case BTF_INT: return build_int(b, rec, id);
	case BTF_FLOAT: return build_float(b, rec, id);
	case BTF_PTR: return build_ptr(b, rec);
	case BTF_ARRAY: return build_array(b, rec);
	case BTF_STRUCT:
	case BTF_UNION: return build_aggregate(b, rec, id);
	case BTF_ENUM:
	case BTF_ENUM64: return build_enum(b, rec, id);
	case BTF_FWD: return build_forward(b, rec, id);
	case BTF_TYPEDEF: return build_typedef(b, rec, id);
	case BTF_CONST: return ty_qualify(b->table, refer(b, btf_word(rec, 2)), TY_CONST);
	case BTF_VOLATILE: return ty_qualify(b->table, refer(b, btf_word(rec, 2)), TY_VOLATILE);
	case BTF_RESTRICT: return ty_qualify(b->table, refer(b, btf_word(rec, 2)), TY_RESTRICT);
	case BTF_FUNC: return build_func(b, rec, id);
	case BTF_FUNC_PROTO: return build_proto(b, rec);
	case BTF_VAR:
	case BTF_TYPE_TAG: return refer(b, btf_word(rec, 2));
	case BTF_DATASEC:
	case BTF_DECL_TAG:
	case BTF_N_KINDS: break;
	}
	return NULL;
}

/* Where the type of an id is kept. */
static const struct type **kept(struct ty_btf *b, u32 id)
{
	u32 nth = id - b->first_id;
	const struct type ***page = &b->pages[nth / TY_MARK_EVERY];

	if (!*page)
		*page = arena_array_of(b->a, const struct type *, TY_MARK_EVERY);
	return &(*page)[nth % TY_MARK_EVERY];
}

static const struct type *build(struct ty_btf *b, u32 id)
{
	const struct type **keep, *ty;
	const u8 *rec;

	if (id < b->first_id && b->base)
		return build(b->base, id);
	rec = ty_btf_record(b, id);
	if (!rec)
		return NULL;
	keep = kept(b, id);
	if (*keep)
		/* cppcheck-suppress identicalInnerCondition ; the value is returned, not its truth */
		return *keep;
	if (b->depth >= MAX_BUILD)
		return NULL;
	/* Whoever meets this id again before it is built has come round in a circle. */
	*keep = type_void(b);
	b->depth++;
	ty = build_record(b, rec, id);
	b->depth--;
	*keep = ty;
	return ty;
}

const struct type *ty_btf_by_id(struct ty_btf *b, u32 id)
{
	return id ? build(b, id) : type_void(b);
}

/* ---- what is inside ------------------------------------------------------------------------- */

/* How a type is aligned, told from the records alone. */
struct shape {
	u64 size;
	u32 align;
};

static struct shape shape_of(struct ty_btf *b, u32 id, u32 depth);

/* The records behind modifiers, typedefs and tags; multiplies *count by arrays on the way. */
static const u8 *skip(struct ty_btf *b, u32 *id, u64 *count)
{
	for (u32 i = 0; i < MAX_BUILD; i++) {
		const u8 *rec = ty_btf_record(b, *id);
		u32 nelems;

		if (!rec)
			return NULL;
		switch (btf_kind_of(btf_word(rec, 1))) {
		case BTF_TYPEDEF:
		case BTF_CONST:
		case BTF_VOLATILE:
		case BTF_RESTRICT:
		case BTF_TYPE_TAG: *id = btf_word(rec, 2); break;
		case BTF_ARRAY:
			nelems = btf_word(rec, 5);
			*count = nelems && *count > UINT32_MAX / nelems ? UINT32_MAX
									: *count * nelems;
			*id = btf_word(rec, 3);
			break;
		default: return rec;
		}
	}
	return NULL;
}

static u32 member_bits(const u8 *m, u32 info)
{
	return btf_flag(info) ? btf_word(m, 2) >> 24 : 0;
}

static u32 member_off(const u8 *m, u32 info)
{
	return btf_flag(info) ? btf_word(m, 2) & 0xffffff : btf_word(m, 2);
}

/* Sets align and packed of an aggregate. */
static void find_align(struct ty_node *n, const u8 *rec, u32 depth)
{
	u32 info = btf_word(rec, 1), align = 1;
	const u8 *m = rec + BTF_RECORD;

	n->busy = true;
	for (u32 i = 0; i < btf_vlen(info); i++, m += btf_shapes[BTF_STRUCT].each) {
		struct shape s = shape_of(n->t.btf, btf_word(m, 1), depth + 1);

		if (!member_bits(m, info) && member_off(m, info) % (s.align * 8))
			n->t.packed = true;
		if (s.align > align)
			align = s.align;
	}
	n->busy = false;
	n->t.packed |= n->t.size % align != 0;
	n->t.align = n->t.packed ? 1 : align;
}

static struct shape aggregate_shape(struct ty_btf *b, u32 id, u32 depth)
{
	const struct type *ty = build(b, id);
	struct ty_node *n;

	if (!ty || !ty_is_aggregate(ty))
		return (struct shape){ 0, 1 };
	n = ty_node_of(ty);
	if (!n->t.align && !n->busy && depth < TY_MAX_DEPTH)
		find_align(n, ty_btf_record(n->t.btf, n->t.btf_id), depth);
	return (struct shape){ n->t.size, n->t.align ? n->t.align : 1 };
}

static struct shape shape_of(struct ty_btf *b, u32 id, u32 depth)
{
	u64 count = 1;
	const u8 *rec = skip(b, &id, &count);
	u32 size;

	if (!rec)
		return (struct shape){ 0, 1 };
	size = btf_word(rec, 2);
	switch (btf_kind_of(btf_word(rec, 1))) {
	case BTF_PTR: return (struct shape){ 8 * count, 8 };
	case BTF_INT:
	case BTF_ENUM:
	case BTF_ENUM64: return (struct shape){ size * count, is_int_size(size) ? size : 1 };
	case BTF_FLOAT: return (struct shape){ size * count, size ? float_align(size) : 1 };
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_FWD: {
		struct shape s = aggregate_shape(b, id, depth);

		s.size *= count;
		return s;
	}
	}
	return (struct shape){ 0, 1 };
}

/* Old compilers put width and shift of a bit-field into an INT of its own. */
static void old_bit_field(struct ty_btf *b, u32 type_id, struct ty_member *m)
{
	u64 count = 1;
	const u8 *rec = skip(b, &type_id, &count);
	u32 data;

	if (!rec || count != 1 || btf_kind_of(btf_word(rec, 1)) != BTF_INT)
		return;
	data = btf_word(rec, 3);
	if ((data & 0xff) == btf_word(rec, 2) * 8 || !(data & 0xff))
		return;
	m->bits = data & 0xff;
	m->bit_off += data >> 16 & 0xff;
}

static bool fits(const struct type *agg, const struct ty_member *m)
{
	u64 size =
		m->type->kind == TY_VOID || m->type->kind == TY_FUNC ? UINT32_MAX : m->type->size;
	u64 end = m->bit_off + (m->bits ? m->bits : size * 8);

	return size < TY_MAX_SIZE && m->bits <= size * 8 && end <= agg->size * 8;
}

static bool decode_member(struct ty_node *n, const u8 *rec, u32 info, struct ty_member *m)
{
	struct ty_btf *b = n->t.btf;

	m->name = ty_btf_string(b, btf_word(rec, 0));
	m->type = refer(b, btf_word(rec, 1));
	m->bit_off = member_off(rec, info);
	m->bits = member_bits(rec, info);
	if (!btf_flag(info))
		old_bit_field(b, btf_word(rec, 1), m);
	if (m->bits && !ty_is_int(m->type))
		return false;
	return fits(&n->t, m);
}

static void decode_aggregate(struct ty_node *n, const u8 *rec)
{
	u32 info = btf_word(rec, 1), vlen = btf_vlen(info);
	struct ty_member *m = arena_array_of(n->t.btf->a, struct ty_member, vlen);

	if (n->t.size >= TY_MAX_SIZE)
		return;
	rec += BTF_RECORD;
	for (u32 i = 0; i < vlen; i++, rec += btf_shapes[BTF_STRUCT].each)
		if (!decode_member(n, rec, info, &m[i]))
			return;
	n->t.members = m;
	n->t.n = vlen;
	n->t.complete = true;
}

static void decode_enum(struct ty_node *n, const u8 *rec)
{
	u32 info = btf_word(rec, 1), vlen = btf_vlen(info);
	struct ty_enumerator *e = arena_array_of(n->t.btf->a, struct ty_enumerator, vlen);
	bool wide = btf_kind_of(info) == BTF_ENUM64;

	rec += BTF_RECORD;
	for (u32 i = 0; i < vlen; i++, rec += btf_shapes[btf_kind_of(info)].each) {
		u32 low = btf_word(rec, 1);

		e[i].name = ty_btf_string(n->t.btf, btf_word(rec, 0));
		if (wide)
			e[i].value = (s64)((u64)btf_word(rec, 2) << 32 | low);
		else
			e[i].value = n->t.is_signed ? (s64)(s32)low : (s64)low;
	}
	n->t.enumerators = e;
	n->t.n = vlen;
}

void ty_btf_decode(struct ty_node *n)
{
	const u8 *rec = ty_btf_record(n->t.btf, n->t.btf_id);

	n->lazy = TY_LAZY_NOT;
	if (n->t.kind == TY_ENUM) {
		decode_enum(n, rec);
		return;
	}
	aggregate_shape(n->t.btf, n->t.btf_id, 0);
	if (!n->t.align)
		n->t.align = 1;
	decode_aggregate(n, rec);
}
