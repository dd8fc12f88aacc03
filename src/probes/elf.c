/* elf: symbols of ELF files, as file offsets for uprobes.
 *
 * A uprobe is put at an offset in a file, a symbol has an address: the PT_LOAD segment that holds
 * the address says how the two differ (ELF specification, "Program Header"). .symtab and .dynsym
 * are both searched. Only functions count: STT_FUNC, STT_GNU_IFUNC (its resolver), and untyped
 * symbols that hand-written assembly leaves.
 *
 * libelf checks headers and sections; names and addresses are checked here. Separate debug files
 * and symbols of versions (name@VERSION) are left out.
 */
#include "probes/room.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	int fd;
	Elf *elf;
	char path[PATH_MAX];
};

static int open_elf(struct file *f, str path, struct err *e)
{
	struct stat st = { 0 };
	int err;

	*f = (struct file){ .fd = -1 };
	if (path.n >= sizeof(f->path))
		return err_set(e, -ENAMETOOLONG, "probes", "the path of the binary is too long");
	memcpy(f->path, path.s, path.n);
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = f->fd < 0 || fstat(f->fd, &st) ? -errno : 0;
	if (!err && !S_ISREG(st.st_mode))
		err = -EISDIR;
	if (err) {
		if (f->fd >= 0)
			close(f->fd);
		errno = -err;
		return err == -EISDIR
			       ? err_set(e, err, "probes", "'%s' is not a file", f->path)
			       : err_set(e, err, "probes", "'%s' cannot be read: %m", f->path);
	}
	elf_version(EV_CURRENT);
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	if (f->elf && elf_kind(f->elf) == ELF_K_ELF)
		return 0;
	elf_end(f->elf);
	close(f->fd);
	return err_set(e, -SKEP_EBADFILE, "probes", "'%s' is not an ELF file", f->path);
}

static void close_elf(void *file)
{
	struct file *f = file;

	elf_end(f->elf);
	close(f->fd);
}

static bool is_function(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && sym->st_value &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

/* Calls `each` for all functions of both symbol tables until it returns false. */
static void each_function(Elf *elf, bool (*each)(void *arg, str name, const GElf_Sym *sym),
			  void *arg)
{
	Elf_Scn *scn = NULL;
	const char *name;
	Elf_Data *data;
	GElf_Shdr sh;
	GElf_Sym sym;
	size_t i, n;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) ||
		    (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM) || !sh.sh_entsize)
			continue;
		data = elf_getdata(scn, NULL);
		n = data ? data->d_size / sh.sh_entsize : 0;
		for (i = 0; i < n && i <= INT_MAX; i++) {
			if (!gelf_getsym(data, (int)i, &sym) || !is_function(&sym))
				continue;
			name = elf_strptr(elf, sh.sh_link, sym.st_name);
			if (name && name[0] && !each(arg, str_of(name), &sym))
				return;
		}
	}
}

static bool to_offset(Elf *elf, u64 address, u64 *out)
{
	GElf_Phdr ph;
	size_t i, n;

	if (elf_getphdrnum(elf, &n))
		return false;
	for (i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD || !(ph.p_flags & PF_X))
			continue;
		if (address < ph.p_vaddr || address - ph.p_vaddr >= ph.p_filesz)
			continue;
		*out = address - ph.p_vaddr + ph.p_offset;
		return true;
	}
	return false;
}

struct wanted {
	str name;
	u64 address;
	bool found;
};

static bool each_wanted(void *arg, str name, const GElf_Sym *sym)
{
	struct wanted *w = arg;

	if (!str_eq(name, w->name))
		return true;
	w->address = sym->st_value;
	w->found = true;
	return false;
}

static bool each_near(void *arg, str name, const GElf_Sym *sym)
{
	(void)sym;
	nearest_offer(arg, name);
	return true;
}

static int no_symbol(struct file *f, str symbol, struct err *e)
{
	struct nearest near;

	nearest_init(&near, symbol);
	each_function(f->elf, each_near, &near);
	return err_set(e, -SKEP_ENOEVENT, "probes",
		       "'%s' has no function '" STR_FMT "'%s" STR_FMT "%s", f->path,
		       STR_ARG(symbol), near.best.n ? "; did you mean '" : "", STR_ARG(near.best),
		       near.best.n ? "'?" : " in its symbol tables (it may be stripped)");
}

int probes_elf_offset(str path, str symbol, u64 *out_offset, struct err *e)
{
	struct wanted w = { .name = symbol };
	struct file f;
	int err;

	*out_offset = 0;
	err = open_elf(&f, path, e);
	if (err)
		return err;
	each_function(f.elf, each_wanted, &w);
	if (!w.found)
		err = no_symbol(&f, symbol, e);
	else if (!to_offset(f.elf, w.address, out_offset))
		err = err_set(e, -SKEP_EBADFILE, "probes",
			      "'%s': '" STR_FMT "' lies in no code that is loaded", f.path,
			      STR_ARG(symbol));
	close_elf(&f);
	return err;
}

struct plain {
	bool (*each)(void *arg, str name);
	void *arg;
};

static bool each_plain(void *arg, str name, const GElf_Sym *sym)
{
	struct plain *p = arg;

	return GELF_ST_TYPE(sym->st_info) == STT_NOTYPE || p->each(p->arg, name);
}

int probes_elf_each(struct trap *trap, str path, bool (*each)(void *arg, str name), void *arg,
		    struct err *e)
{
	struct plain p = { each, arg };
	struct trap_guard guard;
	struct file f;
	int err = open_elf(&f, path, e);

	if (err)
		return err;
	trap_guard_push(trap, &guard, close_elf, &f);
	each_function(f.elf, each_plain, &p);
	trap_guard_pop(trap);
	close_elf(&f);
	return 0;
}

struct placed {
	Elf *elf;
	bool (*each)(void *arg, const struct probes_symbol *s);
	void *arg;
};

static bool each_placed(void *arg, str name, const GElf_Sym *sym)
{
	struct placed *p = arg;
	struct probes_symbol s = { .name = name, .size = sym->st_size };

	return !to_offset(p->elf, sym->st_value, &s.offset) || p->each(p->arg, &s);
}

int probes_elf_symbols(struct trap *trap, str path,
		       bool (*each)(void *arg, const struct probes_symbol *s), void *arg,
		       struct err *e)
{
	struct placed p = { .each = each, .arg = arg };
	struct trap_guard guard;
	struct file f;
	int err = open_elf(&f, path, e);

	if (err)
		return err;
	p.elf = f.elf;
	trap_guard_push(trap, &guard, close_elf, &f);
	each_function(f.elf, each_placed, &p);
	trap_guard_pop(trap);
	close_elf(&f);
	return 0;
}
