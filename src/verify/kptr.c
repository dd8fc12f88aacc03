/* Kernel pointers in map values: slots of eight bytes that hold a pointer to a kernel object.
 *
 * A slot is read and written whole, at a constant offset. What is loaded from it may be null and is
 * not trusted: it can be read, not passed on. Into a slot that owns nothing null or an object of its
 * type may be stored; a slot that owns its object (it holds a reference) is only exchanged, by
 * bpf_kptr_xchg(): what goes in is released from the program, what comes out is held by it.
 */
#include <string.h>

#include "verify/state.h"

const struct verify_kptr *verify_kptr_find(const struct verifier *v, const struct reg *r, s64 lo,
					   s64 hi)
{
	const struct verify_map *m = &v->in->maps[r->map];

	for (u32 i = 0; i < m->n_kptrs; i++)
		if (lo < (s64)m->kptrs[i].off + 8 && hi > m->kptrs[i].off)
			return &m->kptrs[i];
	return NULL;
}

const struct verify_kptr *verify_kptr_slot(const struct verifier *v, const struct reg *r)
{
	const struct verify_kptr *k;
	s64 at = r->off + (s64)r->n.bits;

	if (r->kind != K_VALUE || r->or_null || !num_is_const(&r->n))
		return NULL;
	k = verify_kptr_find(v, r, at, at + 1);
	return k && k->owns && k->off == at ? k : NULL;
}

bool verify_btf_same(const struct type *a, const struct type *b)
{
	a = a ? ty_strip(a) : NULL;
	b = b ? ty_strip(b) : NULL;
	return a && b && a->kind == b->kind && (a == b || (a->name.n && str_eq(a->name, b->name)));
}

bool verify_btf_names(const struct type *t, s64 off, str name, u32 depth)
{
	t = t ? ty_strip(t) : NULL;
	if (!t || depth > 8 || off < 0 || !ty_is_aggregate(t))
		return false;
	if (off == 0 && name.n && str_eq(t->name, name))
		return true;
	if (!ty_complete(t))
		return false;
	for (u32 i = 0; i < t->n; i++) {
		s64 at = t->members[i].bit_off / 8;
		const struct type *m = ty_strip(t->members[i].type);

		if (ty_complete(m) && off >= at && off < at + (s64)m->size &&
		    verify_btf_names(m, off - at, name, depth + 1))
			return true;
	}
	return false;
}

static bool fits_slot(const struct verify_kptr *k, const struct reg *val)
{
	if (val->kind == K_SCALAR)
		return num_is(&val->n, 0);
	return val->kind == K_BTF && num_is(&val->n, 0) && k->to &&
	       verify_btf_names(val->type, val->off, ty_strip(k->to)->name, 0);
}

static bool store(struct verifier *v, const struct verify_kptr *k, const struct reg *val)
{
	if (k->owns)
		return verify_refuse(
			v, V_SPECIAL_FIELD, val->node, "Use bpf_kptr_xchg().",
			"The kernel pointer at offset %u of the value owns its object; "
			"it can only be exchanged.",
			k->off);
	if (fits_slot(k, val))
		return true;
	return verify_refuse(v, V_SPECIAL_FIELD, val->node, "Store 0, or an object of its type.",
			     "%s does not fit the kernel pointer at offset %u of the value.",
			     verify_kind_name(val), k->off);
}

bool verify_kptr_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
			const struct reg *val, struct reg *out)
{
	s64 lo = (s64)r->off + off + r->n.smin;
	s64 hi = (s64)((u64)((s64)r->off + off) + r->n.umax + size);
	const struct verify_kptr *k = verify_kptr_find(v, r, lo, hi);

	if (!k)
		return true;
	if (!num_is_const(&r->n) || lo != k->off || size != 8)
		return verify_refuse(
			v, V_SPECIAL_FIELD, r->node,
			"Load or store all eight bytes, at a constant offset.",
			"r%u reaches only a part of the kernel pointer at offset %u of "
			"the value.",
			no, k->off);
	if (val)
		return store(v, k, val);
	verify_result_pointer(v, out, K_BTF, true);
	out->type = k->to ? ty_strip(k->to) : NULL;
	out->untrusted = true;
	return true;
}
