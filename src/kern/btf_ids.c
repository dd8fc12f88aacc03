/* btf_ids: from names to type ids in the kernel's BTF, straight from the file.
 *
 * Loading a program at a function or a typed tracepoint takes the id of its FUNC, TYPEDEF or VAR
 * record, kinds that the type model of the compiler does not keep apart. One pass over the records
 * per name is enough: a program names few, and the file is held only while programs are loaded.
 *
 * Format: Documentation/bpf/btf.rst, 2. Every record and string is checked against its section.
 */
#include "kern/room.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT (256 << 20)

/* Reads a file that tells no reliable size. */
static int read_bytes(struct kern_btf *b, int fd)
{
	u32 cap = 8u << 20;
	ssize_t got = -1;
	u8 *bigger;

	b->bytes = malloc(cap);
	while (b->bytes && (got = read(fd, b->bytes + b->size, cap - b->size)) > 0) {
		b->size += (u32)got;
		if (b->size < cap)
			continue;
		if (cap >= LIMIT)
			break;
		cap *= 2;
		bigger = realloc(b->bytes, cap);
		if (!bigger)
			break;
		b->bytes = bigger;
	}
	return got == 0 ? 0 : got < 0 ? -EIO : -ENOMEM;
}

/* Maps the file where the kernel lets it be mapped (Linux 6.16), and reads it otherwise. */
static int read_file(struct kern_btf *b)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	void *at = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_size > 0 && st.st_size < LIMIT)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) {
		err = read_bytes(b, fd);
	} else {
		b->bytes = at;
		b->size = (u32)st.st_size;
		b->is_mapped = true;
	}
	close(fd);
	return err;
}

static int bad(struct kern_btf *b, struct err *e)
{
	kern_btf_close(b);
	return err_set(e, -SKEP_EBADFILE, KERN_ROOM, "/sys/kernel/btf/vmlinux is malformed");
}

int kern_btf_open(struct kern_btf *b, struct err *e)
{
	struct btf_header h;
	u64 end;
	int err;

	*b = (struct kern_btf){ 0 };
	err = read_file(b);
	if (err) {
		kern_btf_close(b);
		return err_set(e, -SKEP_ENOBTF, KERN_ROOM,
			       "this kernel gives no BTF (/sys/kernel/btf/vmlinux: %s), and the "
			       "program needs it",
			       strerror(-err));
	}
	if (b->size < sizeof(h))
		return bad(b, e);
	memcpy(&h, b->bytes, sizeof(h));
	end = (u64)h.hdr_len + h.type_off + h.type_len;
	if (h.magic != BTF_MAGIC || end > b->size ||
	    (u64)h.hdr_len + h.str_off + h.str_len > b->size || h.type_off % 4 || h.hdr_len % 4)
		return bad(b, e);
	b->types = h.hdr_len + h.type_off;
	b->types_end = (u32)end;
	b->strings = h.hdr_len + h.str_off;
	b->strings_end = b->strings + h.str_len;
	return 0;
}

void kern_btf_close(struct kern_btf *b)
{
	if (b->is_mapped)
		munmap(b->bytes, b->size);
	else
		free(b->bytes);
	*b = (struct kern_btf){ 0 };
}

void kern_btf_undo(void *btf)
{
	kern_btf_close(btf);
}

/* Bytes behind the 12 that every record has. */
static u32 tail_size(u32 info)
{
	u32 n = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG: return 4;
	case BTF_KIND_ARRAY:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64: return BTF_INFO_KIND(info) == BTF_KIND_ARRAY ? 12 : n * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO: return n * 8;
	default: return 0;
	}
}

static bool has_name(const struct kern_btf *b, u32 off, str name)
{
	const u8 *at;

	if (off >= b->strings_end - b->strings || b->strings_end - b->strings - off <= name.n)
		return false;
	at = b->bytes + b->strings + off;
	return memcmp(at, name.s, name.n) == 0 && at[name.n] == 0;
}

u32 kern_btf_find(const struct kern_btf *b, u32 kind, str name)
{
	struct btf_type t;
	u32 at = b->types, id = 1;

	if (!name.n)
		return 0;
	for (; at + sizeof(t) <= b->types_end; id++) {
		memcpy(&t, b->bytes + at, sizeof(t));
		if (BTF_INFO_KIND(t.info) == kind && has_name(b, t.name_off, name))
			return id;
		at += (u32)sizeof(t) + tail_size(t.info);
	}
	return 0;
}

void kern_btf_offer(const struct kern_btf *b, u32 kind, struct nearest *near)
{
	const char *strings = (const char *)b->bytes + b->strings;
	u32 at = b->types, size = b->strings_end - b->strings;
	struct btf_type t;

	for (; at + sizeof(t) <= b->types_end; at += (u32)sizeof(t) + tail_size(t.info)) {
		memcpy(&t, b->bytes + at, sizeof(t));
		if (BTF_INFO_KIND(t.info) == kind && t.name_off < size)
			nearest_offer(near, (str){ strings + t.name_off,
						   (u32)strnlen(strings + t.name_off,
								size - t.name_off) });
	}
}

/* The record of an id; false if there is none. */
static bool record(const struct kern_btf *b, u32 want, struct btf_type *out)
{
	u32 at = b->types, id = 1;

	for (; at + sizeof(*out) <= b->types_end; id++) {
		memcpy(out, b->bytes + at, sizeof(*out));
		if (id == want)
			return true;
		at += (u32)sizeof(*out) + tail_size(out->info);
	}
	return false;
}

int kern_btf_params(const struct kern_btf *b, u32 func)
{
	struct btf_type t;

	if (!func || !record(b, func, &t) || BTF_INFO_KIND(t.info) != BTF_KIND_FUNC ||
	    !record(b, t.type, &t) || BTF_INFO_KIND(t.info) != BTF_KIND_FUNC_PROTO)
		return -1;
	return (int)BTF_INFO_VLEN(t.info);
}
