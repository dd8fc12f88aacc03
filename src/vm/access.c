/* The checked mode: which memory a program may touch, and what helpers may be given.
 *
 * A program may touch its context, the frames of its stack that are in use, its packet, the values
 * of its plain array maps (each value by itself), and what helpers handed to it: values found in
 * other maps, reserved records. Those are kept as a sorted list of regions in the thread, from the
 * start of the run; values stay memory while their map lives, records leave the list when they are
 * given back. Arguments of helpers are checked by the helper's row in the isa table, as the
 * verifier would type them, so that an unverified program cannot make a helper stray either.
 *
 * Helpers of the embedding program have no row and are trusted.
 */
#include "vm/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RDONLY_PROG = 1 << 7, WRONLY_PROG = 1 << 8, MOST_BYTES = 1 << 29 };

static bool stray(struct vm_thread *t, u64 addr, u64 size, const char *what)
{
	t->stray.addr = addr;
	t->stray.size = size;
	t->stray.what = what;
	t->fault = -EFAULT;
	return false;
}

static bool within(u64 addr, u64 size, u64 lo, u64 n)
{
	return addr >= lo && size <= n && addr - lo <= n - size;
}

/* The first region that starts behind `addr`. */
static u32 region_after(const struct vm_thread *t, u64 addr)
{
	u32 lo = 0, hi = t->n_regions;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->regions[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool in_regions(const struct vm_thread *t, u64 addr, u64 size, bool is_write)
{
	u32 i = region_after(t, addr);
	const struct vm_region *g;

	if (!i)
		return false;
	g = &t->regions[i - 1];
	return g->kind != VM_REGION_MAP && within(addr, size, g->lo, g->hi - g->lo) &&
	       (!is_write || g->can_write);
}

static bool in_array(struct maps_map *m, u64 addr, u64 size, bool is_write)
{
	const struct maps_spec *spec = maps_spec(m);
	u32 stride = 0;
	u64 base = (u64)(uintptr_t)maps_array_base(m, &stride);

	if (!base || !stride || (spec->flags & (is_write ? RDONLY_PROG : WRONLY_PROG)))
		return false;
	return within(addr, size, base, (u64)stride * spec->max_entries) &&
	       (addr - base) % stride + size <= spec->value_size;
}

static bool allowed(const struct vm_thread *t, u64 addr, u64 size, bool is_write)
{
	u64 used = (u64)(t->depth + 1) * ISA_STACK_BYTES;
	const struct vm_packet *k = &t->packet;

	if (within(addr, size, vm_stack_top(t) - used, used))
		return true;
	if (t->ctx && within(addr, size, (u64)(uintptr_t)t->ctx, t->ctx_size))
		return true;
	if (k->data && !(is_write && k->read_only) &&
	    within(addr, size, (u64)(uintptr_t)k->data - k->meta, (u64)k->size + k->meta))
		return true;
	if (in_regions(t, addr, size, is_write))
		return true;
	for (u32 i = 0; i < t->prog->n_maps; i++)
		if (in_array(t->prog->maps[i], addr, size, is_write))
			return true;
	return false;
}

bool vm_access(struct vm_thread *t, u64 addr, u64 size, bool is_write)
{
	return allowed(t, addr, size, is_write) ||
	       stray(t, addr, size, is_write ? "a write" : "a read");
}

bool vm_access_open(struct vm_thread *t, u64 addr, u64 size, bool can_write, u8 kind)
{
	u32 i = region_after(t, addr);
	struct vm_region *g;

	if (!addr || size > UINT64_MAX - addr)
		return true;
	if (i && t->regions[i - 1].lo == addr) {
		t->regions[i - 1] = (struct vm_region){ addr, addr + size, can_write, kind };
		return true;
	}
	if (t->n_regions == t->cap_regions) {
		u32 cap = t->cap_regions ? 2 * t->cap_regions : 64;

		g = realloc(t->regions, cap * sizeof(*g));
		if (!g) {
			t->fault = -ENOMEM;
			return false;
		}
		t->regions = g;
		t->cap_regions = cap;
	}
	memmove(&t->regions[i + 1], &t->regions[i], (t->n_regions - i) * sizeof(*g));
	t->regions[i] = (struct vm_region){ addr, addr + size, can_write, kind };
	t->n_regions++;
	return true;
}

void vm_access_close(struct vm_thread *t, u64 addr)
{
	u32 i = region_after(t, addr);

	if (!i || t->regions[i - 1].lo != addr)
		return;
	memmove(&t->regions[i - 1], &t->regions[i], (t->n_regions - i) * sizeof(*t->regions));
	t->n_regions--;
}

/* ---- helpers ------------------------------------------------------------------------------------
 */

static bool is_region(const struct vm_thread *t, u64 addr, u8 kind)
{
	u32 i = region_after(t, addr);

	return i && t->regions[i - 1].lo == addr && t->regions[i - 1].kind == kind;
}

bool vm_access_dynptr(struct vm_thread *t, u64 addr)
{
	struct vm_dynptr p;

	if (!vm_access(t, addr, sizeof(p), false))
		return false;
	memcpy(&p, (const void *)(uintptr_t)addr, sizeof(p));
	if (!p.data || !p.size)
		return true;
	if (p.kind == VM_DYNPTR_RECORD && !is_region(t, p.data, VM_REGION_RECORD))
		return stray(t, p.data, p.size, "a record not reserved,");
	return vm_access(t, p.data, p.size, p.kind != VM_DYNPTR_READ_ONLY);
}

static bool is_map(const struct vm_thread *t, u64 value)
{
	for (u32 i = 0; i < t->prog->n_maps; i++)
		if ((u64)(uintptr_t)t->prog->maps[i] == value)
			return true;
	return is_region(t, value, VM_REGION_MAP);
}

static bool check_string(struct vm_thread *t, u64 addr)
{
	for (u32 n = 0; n < 65536; n++) {
		if (!vm_access(t, addr + n, 1, false))
			return false;
		if (!*(const char *)(uintptr_t)(addr + n))
			return true;
	}
	return stray(t, addr, 65536, "a string without an end");
}

/* A pointer whose size in bytes is the next argument. */
static bool check_sized(struct vm_thread *t, enum isa_arg kind, u64 addr, u64 size)
{
	bool is_out = kind == ISA_ARG_OUT_MEM || kind == ISA_ARG_OUT_MEM_OR_NULL;
	bool may_be_null = kind == ISA_ARG_MEM_OR_NULL || kind == ISA_ARG_OUT_MEM_OR_NULL;

	if (size > MOST_BYTES)
		return stray(t, addr, size, "a helper's memory");
	if (size == 0 || (may_be_null && !addr))
		return true;
	return vm_access(t, addr, size, is_out);
}

/* An argument that stands for itself; sizes were seen with the memory before them. */
static bool check_single(struct vm_thread *t, enum isa_arg kind, u64 v, const struct maps_map *map)
{
	const struct maps_spec *spec = map ? maps_spec(map) : NULL;

	switch (kind) {
	case ISA_ARG_CTX: return v == (u64)(uintptr_t)t->ctx || stray(t, v, 1, "a context");
	case ISA_ARG_KEY: return spec && vm_access(t, v, spec->key_size, false);
	case ISA_ARG_VALUE_OR_NULL:
		if (!v)
			return true;
		return spec && vm_access(t, v, spec->value_size, false);
	case ISA_ARG_VALUE: return spec && vm_access(t, v, spec->value_size, false);
	case ISA_ARG_OUT_VALUE: return spec && vm_access(t, v, spec->value_size, true);
	case ISA_ARG_STR: return check_string(t, v);
	case ISA_ARG_OUT_LONG: return vm_access(t, v, 8, true);
	case ISA_ARG_OUT_INT:
	case ISA_ARG_SPIN_LOCK: return vm_access(t, v, 4, true);
	case ISA_ARG_DYNPTR: return vm_access_dynptr(t, v);
	case ISA_ARG_OUT_DYNPTR: return vm_access(t, v, sizeof(struct vm_dynptr), true);
	case ISA_ARG_RESERVED:
		return is_region(t, v, VM_REGION_RECORD) ||
		       stray(t, v, 1, "a record not reserved,");
	default: return true;
	}
}

static const struct isa_helper *row_of(const struct vm_thread *t, u32 id)
{
	for (u32 i = 0; i < t->prog->n_extra; i++)
		if (t->prog->extra[i].id == id)
			return NULL;
	return isa_helper(id);
}

bool vm_access_args(struct vm_thread *t, u32 id, const u64 r[ISA_N_REGS])
{
	const struct isa_helper *h = row_of(t, id);
	const struct maps_map *map = NULL;
	u32 n = h ? isa_helper_args(h) : 0;

	for (u32 i = 0; i < n; i++) {
		enum isa_arg kind = h->args[i];
		u64 v = r[i + 1];
		bool ok;

		if (kind == ISA_ARG_MAP) {
			if (!is_map(t, v))
				return stray(t, v, 1, "a map");
			map = (const struct maps_map *)(uintptr_t)v;
			continue;
		}
		if (kind == ISA_ARG_MEM || kind == ISA_ARG_MEM_OR_NULL || kind == ISA_ARG_OUT_MEM ||
		    kind == ISA_ARG_OUT_MEM_OR_NULL)
			ok = check_sized(t, kind, v, i + 2 <= 5 ? r[i + 2] : 0);
		else
			ok = check_single(t, kind, v, map);
		if (!ok)
			return t->fault ? false : stray(t, v, 1, "a helper's argument");
	}
	return true;
}

static bool is_map_of_maps(const struct maps_map *m)
{
	u32 type = maps_spec(m)->type;

	return type == ISA_MAP_ARRAY_OF_MAPS || type == ISA_MAP_HASH_OF_MAPS;
}

bool vm_access_result(struct vm_thread *t, u32 id, const u64 args[5], u64 result)
{
	const struct isa_helper *h = row_of(t, id);
	const struct maps_map *m;

	if (!h)
		return true;
	if (h->args[0] == ISA_ARG_RESERVED)
		vm_access_close(t, args[0]);
	if (!result || h->args[0] != ISA_ARG_MAP)
		return true;
	m = (const struct maps_map *)(uintptr_t)args[0];
	if (h->ret == ISA_RET_MEM_OR_NULL)
		return vm_access_open(t, result, args[1], true, VM_REGION_RECORD);
	if (h->ret != ISA_RET_VALUE_OR_NULL && h->ret != ISA_RET_VALUE)
		return true;
	if (is_map_of_maps(m))
		return vm_access_open(t, result, 1, false, VM_REGION_MAP);
	return vm_access_open(t, result, maps_spec(m)->value_size,
			      !(maps_spec(m)->flags & RDONLY_PROG), VM_REGION_MEM);
}
