/* usdt: the markers that a binary carries (SystemTap's sys/sdt.h).
 *
 * Each marker is a nop in the code and a note of type 3, owner "stapsdt", in section .note.stapsdt: three addresses (of
 * the nop, of section .stapsdt.base when it was linked, of a 16-bit counter or 0), then three strings: provider, name,
 * arguments. Prelinking moves addresses and not notes, which the second address mends. A marker in an inlined
 * function has many notes. The counter is above 0 while somebody looks: programs skip costly arguments otherwise.
 *
 * Sizes of notes are checked by libelf, what is in them here. 32-bit binaries are left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "probes/room.h"

enum { NOTE_STAPSDT = 3 };

struct reader {
	Elf *elf;
	u64 base;	    /* of .stapsdt.base; 0 if there is none */
	str provider, name; /* wanted; an empty provider is any */
	bool (*each)(void *arg, const struct probes_marker *m);
	void *arg;
	bool stopped;
};

static bool to_file(Elf *elf, u64 address, u32 flags, u64 *out)
{
	GElf_Phdr ph;
	size_t i, n;

	if (elf_getphdrnum(elf, &n))
		return false;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
		    !(ph.p_flags & flags))
			continue;
		if (address < ph.p_vaddr || address - ph.p_vaddr >= ph.p_filesz)
			continue;
		*out = address - ph.p_vaddr + ph.p_offset;
		return true;
	}
	return false;
}

static str take_string(str *rest)
{
	const char *end = rest->n ? memchr(rest->s, 0, rest->n) : NULL;
	str out = { rest->s, end ? (u32)(end - rest->s) : rest->n };

	*rest = str_sub(*rest, end ? out.n + 1 : out.n, rest->n);
	return out;
}

static void read_note(struct reader *r, const u8 *desc, u32 size)
{
	struct probes_marker m = { 0 };
	u64 at[3];
	str rest;

	if (size < sizeof(at))
		return;
	memcpy(at, desc, sizeof(at));
	rest = (str){ (const char *)desc + sizeof(at), size - (u32)sizeof(at) };
	m.provider = take_string(&rest);
	m.name = take_string(&rest);
	m.args = take_string(&rest);
	if ((r->name.n && !str_eq(m.name, r->name)) ||
	    (r->provider.n && !str_eq(m.provider, r->provider)))
		return;
	if (r->base && at[1])
		at[0] += r->base - at[1];
	if (r->base && at[1] && at[2])
		at[2] += r->base - at[1];
	if (!to_file(r->elf, at[0], PF_X, &m.offset))
		return;
	if (at[2] && !to_file(r->elf, at[2], PF_W, &m.counter))
		return;
	r->stopped = !r->each(r->arg, &m);
}

static void read_notes(struct reader *r, Elf_Data *data)
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (!r->stopped && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0)
		if (note.n_type == NOTE_STAPSDT && note.n_namesz == 8 &&
		    !memcmp((const char *)data->d_buf + name, "stapsdt", 8))
			read_note(r, (const u8 *)data->d_buf + desc, note.n_descsz);
}

static void read_sections(struct reader *r)
{
	Elf_Scn *scn = NULL;
	const char *name;
	Elf_Data *data;
	GElf_Shdr sh;
	size_t names;

	if (elf_getshdrstrndx(r->elf, &names))
		return;
	while ((scn = elf_nextscn(r->elf, scn)))
		if (gelf_getshdr(scn, &sh) && (name = elf_strptr(r->elf, names, sh.sh_name)) &&
		    !strcmp(name, ".stapsdt.base"))
			r->base = sh.sh_addr;
	while ((scn = elf_nextscn(r->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_NOTE ||
		    !(name = elf_strptr(r->elf, names, sh.sh_name)) ||
		    strcmp(name, ".note.stapsdt") != 0)
			continue;
		data = elf_getdata(scn, NULL);
		if (data)
			read_notes(r, data);
	}
}

int probes_usdt_each(struct arena *a, str path, str provider, str name,
		     bool (*each)(void *arg, const struct probes_marker *m), void *arg,
		     struct err *e)
{
	struct reader r = { .provider = provider, .name = name, .each = each, .arg = arg };
	char *z = str_z(a, path);
	int fd = open(z, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, -errno, "probes", "'%s' cannot be read: %m", z);
	elf_version(EV_CURRENT);
	r.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (r.elf && elf_kind(r.elf) == ELF_K_ELF && gelf_getclass(r.elf) == ELFCLASS64)
		read_sections(&r);
	elf_end(r.elf);
	close(fd);
	return 0;
}
