/* maps: creating an object's maps, and reading and writing them.
 *
 * Each gets the BTF of its key and value where the kernel takes it, and its first contents when it
 * holds a data section; .rodata is frozen, so that the verifier knows what it holds. Maps of maps
 * are made after their templates.
 *
 * Names are cut to what the kernel shows: 15 bytes of letters, digits, _ and dots.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

void kern_short_name(char out[16], str name)
{
	u32 n = 0, i;

	for (i = 0; i < name.n && n < 15; i++) {
		char c = name.s[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '_' || c == '.')
			out[n++] = c;
		else if (i)
			out[n++] = '_';
	}
	if (!n)
		out[n++] = 'm';
	out[n] = 0;
}

/* ---- making them ---------------------------------------------------------------------------- */

static int cannot(struct kern *k, const struct obj_map *m, int err, struct err *e)
{
	const struct isa_kind *kind = isa_map_kind(m->type);
	u32 have = probes_kernel_version(k->m) >> 8;

	if (err == -EPERM || err == -EACCES)
		return kern_denied(k->m, err, "creating a map", e);
	if (!kind || (err == -EINVAL && have < kind->since))
		return err_set(e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "map '" STR_FMT "': this kernel has no maps of type %s%s",
			       STR_ARG(m->name), kind ? kind->name : "?",
			       kind ? "; a newer one does" : "");
	return err_set(e, err, KERN_ROOM,
		       "map '" STR_FMT "' (%s, key %u bytes, value %u bytes, %u entries) cannot be "
		       "created: %s",
		       STR_ARG(m->name), kind->name, m->key_size, m->value_size, m->max_entries,
		       err == -E2BIG ? "it is too large" : strerror(-err));
}

static u32 entries(struct kern *k, const struct obj_map *m)
{
	if (m->max_entries || m->type != ISA_MAP_PERF_EVENT_ARRAY)
		return m->max_entries;
	return probes_cpus(k->m);
}

static int create(struct kern *k, u32 i, const struct obj_btf_ids *ids, struct err *e)
{
	const struct obj_map *m = &k->obj->maps.at[i];
	struct bpf_map_create_opts o = { .sz = sizeof(o),
					 .map_flags = m->flags,
					 .map_extra = m->extra };
	char name[16];
	int fd;

	kern_short_name(name, m->name);
	if (m->inner != OBJ_NONE) {
		if (m->inner >= k->n_maps || k->maps[m->inner] < 0)
			return err_set(e, -SKEP_EBADFILE, KERN_ROOM,
				       "map '" STR_FMT "': its inner map is missing",
				       STR_ARG(m->name));
		o.inner_map_fd = (u32)k->maps[m->inner];
	}
	if (ids && ids->value && k->btf >= 0) {
		o.btf_fd = (u32)k->btf;
		o.btf_key_type_id = ids->key;
		o.btf_value_type_id = ids->value;
	}
	fd = bpf_map_create((enum bpf_map_type)m->type, name, m->key_size, m->value_size,
			    entries(k, m), &o);
	if (fd < 0 && o.btf_fd) {
		/* Some kinds take no BTF, and old kernels take less of it. */
		o.btf_fd = o.btf_key_type_id = o.btf_value_type_id = 0;
		fd = bpf_map_create((enum bpf_map_type)m->type, name, m->key_size, m->value_size,
				    entries(k, m), &o);
	}
	if (fd < 0)
		return cannot(k, m, fd, e);
	k->maps[i] = fd;
	return 0;
}

/* A map that is pinned already is shared when it is alike. */
static int open_pinned(struct kern *k, u32 i, struct err *e)
{
	const struct obj_map *m = &k->obj->maps.at[i];
	struct bpf_map_info info = { 0 };
	u32 size = sizeof(info);
	int fd;

	if (!m->pin.n)
		return -ENOENT;
	fd = bpf_obj_get(str_z(k->a, m->pin));
	if (fd < 0)
		return -ENOENT;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == m->type &&
	    info.key_size == m->key_size && info.value_size == m->value_size &&
	    info.max_entries == entries(k, m)) {
		k->maps[i] = fd;
		return 0;
	}
	close(fd);
	return err_set(e, -EEXIST, KERN_ROOM,
		       "map '" STR_FMT "': another map is pinned at " STR_FMT, STR_ARG(m->name),
		       STR_ARG(m->pin));
}

static int pin(struct kern *k, u32 i, struct err *e)
{
	const struct obj_map *m = &k->obj->maps.at[i];
	int err = m->pin.n ? bpf_obj_pin(k->maps[i], str_z(k->a, m->pin)) : 0;

	return err ? err_set(e, err, KERN_ROOM,
			     "map '" STR_FMT "' cannot be pinned at " STR_FMT ": %s",
			     STR_ARG(m->name), STR_ARG(m->pin), strerror(-err))
		   : 0;
}

static int fill_data(struct kern *k, u32 i, struct err *e)
{
	const struct obj_map *m = &k->obj->maps.at[i];
	const struct obj_data *d;
	u32 zero = 0;
	u8 *value;
	int err = 0;

	if (m->data == OBJ_NONE)
		return 0;
	d = &k->obj->datas.at[m->data];
	if (d->bytes && d->size) {
		/* The value may be wider than what is set. */
		value = arena_alloc(k->a, m->value_size);
		memcpy(value, d->bytes, d->size < m->value_size ? d->size : m->value_size);
		err = bpf_map_update_elem(k->maps[i], &zero, value, BPF_ANY);
	}
	if (!err && d->kind == OBJ_RODATA && probes_kernel_version(k->m) >= 0x050200)
		err = bpf_map_freeze(k->maps[i]);
	return err ? err_set(e, err, KERN_ROOM, "data section '" STR_FMT "' cannot be written: %s",
			     STR_ARG(d->name), strerror(-err))
		   : 0;
}

/* A data section that nothing was put in has no map. */
static bool is_empty(const struct obj_map *m)
{
	return m->data != OBJ_NONE && !m->value_size;
}

int kern_maps_create(struct kern *k, const struct obj_btf_ids *ids, struct err *e)
{
	u32 n = k->obj->maps.n, pass, i;
	int err = 0;

	k->maps = arena_array_of(k->a, int, n);
	for (i = 0; i < n; i++)
		k->maps[i] = -1;
	k->n_maps = n;
	for (pass = 0; pass < 2; pass++)
		for (i = 0; !err && i < n; i++) {
			const struct obj_map *m = &k->obj->maps.at[i];

			if ((m->inner != OBJ_NONE) != (pass == 1) || is_empty(m))
				continue;
			err = open_pinned(k, i, e);
			if (err != -ENOENT)
				continue;
			err = create(k, i, ids ? &ids[i] : NULL, e);
			err = err ? err : fill_data(k, i, e);
			err = err ? err : pin(k, i, e);
		}
	return err;
}

/* The descriptor that an entry holds from the start; -1 if it is not there. */
static int slot_fd(struct kern *k, const struct obj_slot *slot)
{
	if (slot->map != OBJ_NONE)
		return slot->map < k->n_maps ? k->maps[slot->map] : -1;
	for (u32 i = 0; i < k->n_progs; i++)
		if (str_eq(k->obj->progs.at[i].name, slot->prog))
			return k->progs[i].fd;
	return -1;
}

bool kern_is_in_slot(struct kern *k, const struct obj_prog *p)
{
	for (u32 i = 0; i < k->obj->maps.n; i++)
		for (u32 s = 0; s < k->obj->maps.at[i].slots.n; s++)
			if (str_eq(k->obj->maps.at[i].slots.at[s].prog, p->name))
				return true;
	return false;
}

int kern_maps_fill(struct kern *k, struct err *e)
{
	int err = 0;

	for (u32 i = 0; i < k->n_maps; i++) {
		const struct obj_map *m = &k->obj->maps.at[i];

		for (u32 s = 0; !err && s < m->slots.n; s++) {
			int fd = slot_fd(k, &m->slots.at[s]);

			err = fd < 0 ? -ENOENT
				     : bpf_map_update_elem(k->maps[i], &m->slots.at[s].index, &fd,
							   BPF_ANY);
			if (err)
				err = err_set(e, err, KERN_ROOM,
					      "entry %u of map '" STR_FMT "' cannot be set: %s",
					      m->slots.at[s].index, STR_ARG(m->name),
					      strerror(-err));
		}
	}
	return err;
}

/* ---- using them ----------------------------------------------------------------------------- */

static int map_fd(void *self, u32 map)
{
	struct kern *k = self;

	return map < k->n_maps && k->maps[map] >= 0 ? k->maps[map] : -1;
}

int kern_map_next(void *self, u32 map, const void *key, void *out_next)
{
	return bpf_map_get_next_key(map_fd(self, map), key, out_next);
}

int kern_map_lookup(void *self, u32 map, const void *key, void *out_value)
{
	return bpf_map_lookup_elem(map_fd(self, map), key, out_value);
}

int kern_map_update(void *self, u32 map, const void *key, const void *value, u64 flags)
{
	return bpf_map_update_elem(map_fd(self, map), key, value, flags);
}

int kern_map_delete(void *self, u32 map, const void *key)
{
	return bpf_map_delete_elem(map_fd(self, map), key);
}
