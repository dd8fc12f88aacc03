/* What BTF describes: the arguments of tracing and LSM programs, and the members of kernel objects.
 *
 * The target's prototype says what the context holds: an argument that points to an object gives a
 * pointer to it, any other a number. An argument's slot is 8 bytes; a shorter load at its start is a
 * load of it, as in kernel 6.1 (later ones want all 8). A load from an object names a member: a
 * pointer is loaded whole, a number inside its member, a bit-field with the bytes around it. Objects
 * reached through a pointer that is not trusted are not trusted either.
 */
#include <string.h>

#include "verify/state.h"

bool verify_btf_pointer(struct verifier *v, const struct type *t, const struct reg *base,
			struct reg *out)
{
	const struct type *s = ty_strip(t), *to;

	if (s->kind != TY_PTR)
		return true;
	to = ty_strip(s->to);
	if (!ty_is_aggregate(to))
		return true;
	memset(out, 0, sizeof(*out));
	out->kind = K_BTF;
	out->type = to;
	out->n = num_const(0);
	out->node = verify_node(v, base->node, 0);
	return true;
}

static const struct type *target_proto(struct verifier *v, u32 *out_skip)
{
	const struct verify_input *in = v->in;
	const struct type *t;

	*out_skip = 0;
	if (!in->btf || !in->btf_target.n)
		return NULL;
	if (in->prog_type == ISA_PROG_LSM)
		return ty_btf_find(in->btf, TY_FUNC,
				   str_printf(v->a, "bpf_lsm_" STR_FMT, STR_ARG(in->btf_target)));
	if (in->attach_type == ISA_ATTACH_TRACE_RAW_TP) {
		*out_skip = 1;
		t = ty_btf_find(in->btf, TY_TYPEDEF,
				str_printf(v->a, "btf_trace_" STR_FMT, STR_ARG(in->btf_target)));
		t = t ? ty_strip(t) : NULL;
		return t && t->kind == TY_PTR ? ty_strip(t->to) : NULL;
	}
	if (in->attach_type == ISA_ATTACH_TRACE_ITER)
		return ty_btf_find(in->btf, TY_FUNC,
				   str_printf(v->a, "bpf_iter_" STR_FMT, STR_ARG(in->btf_target)));
	return ty_btf_find(in->btf, TY_FUNC, in->btf_target);
}

/* Of a function's arguments: objects, plain numbers, and what points to a number. */
static bool can_be_read(const struct type *t)
{
	t = ty_strip(t);
	if (t->kind != TY_PTR)
		return ty_is_scalar(t) || t->kind == TY_VOID;
	t = ty_strip(t->to);
	return ty_is_aggregate(t) || ty_is_int(t) || ty_is_void(t);
}

bool verify_btf_argument(struct verifier *v, const struct reg *r, s32 off, u32 size, bool is_write,
			 struct reg *out)
{
	u32 skip, arg = (u32)off / 8, n;
	const struct type *proto = target_proto(v, &skip), *t;
	bool has_result = v->in->attach_type == ISA_ATTACH_TRACE_FEXIT ||
			  v->in->attach_type == ISA_ATTACH_MODIFY_RETURN ||
			  v->in->prog_type == ISA_PROG_LSM;

	if (!proto || proto->kind != TY_FUNC)
		return verify_refuse(v, V_BTF, r->node, "",
				     "The prototype of the program's target `" STR_FMT
				     "` is not known.",
				     STR_ARG(v->in->btf_target));
	n = proto->n >= skip ? proto->n - skip : 0;
	if (off < 0 || off % 8 || is_write || arg >= n + has_result)
		return verify_bad_field(v, r, off, size, is_write);
	t = arg < n ? proto->params[arg + skip].type : proto->to;
	if (!can_be_read(t))
		return verify_bad_field(v, r, off, size, is_write);
	if (!verify_btf_pointer(v, t, r, out))
		return false;
	/* What an iterator is at may be its end. */
	if (v->in->attach_type == ISA_ATTACH_TRACE_ITER && arg > 0 && out->kind == K_BTF) {
		out->or_null = true;
		out->id = ++v->last_id;
	}
	return true;
}

/* What a load of `size` bytes at `off` finds: NULL when it is no member's. */
struct walk {
	const struct type *t;
	u64 off;
	u32 size;
	bool is_bits;
};

/* One level down; false when there is nothing there. */
static bool walk_down(struct walk *w)
{
	const struct type *t = w->t;

	if (t->kind == TY_ARRAY) {
		w->t = ty_strip(t->to);
		if (!ty_complete(w->t) || !w->t->size)
			return false;
		w->off %= w->t->size;
		return true;
	}
	for (u32 i = 0; i < t->n; i++) {
		const struct ty_member *m = &t->members[i];
		u64 at = m->bit_off / 8;
		const struct type *mt = ty_strip(m->type);
		bool endless = mt->kind == TY_ARRAY && mt->count == TY_UNSIZED;

		if (m->bits) {
			w->is_bits =
				w->off <= at && (m->bit_off + m->bits + 7) / 8 <= w->off + w->size;
			if (w->is_bits)
				return true;
			continue;
		}
		if (endless && w->off >= at) {
			w->t = ty_strip(mt->to);
			if (!ty_complete(w->t) || !w->t->size)
				return false;
			w->off = (w->off - at) % w->t->size;
			return true;
		}
		if (!ty_complete(mt) || w->off >= at + mt->size)
			continue;
		if (w->off < at)
			return false;
		w->t = mt;
		w->off -= at;
		return true;
	}
	return false;
}

static bool walk(struct walk *w)
{
	for (u32 depth = 0; depth < 32; depth++) {
		w->t = ty_strip(w->t);
		if (w->is_bits)
			return true;
		if (!ty_complete(w->t))
			return false;
		if (w->t->kind != TY_ARRAY && !ty_is_aggregate(w->t))
			return w->off + w->size <= w->t->size &&
			       (w->t->kind != TY_PTR || (w->off == 0 && w->size == 8));
		if (!walk_down(w))
			return false;
	}
	return false;
}

bool verify_btf_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
		       bool is_write, struct reg *out)
{
	s64 at = (s64)r->off + off;
	struct walk w = { r->type, (u64)at, size, false };

	if (is_write)
		return verify_refuse(v, V_READ_ONLY, r->node, "",
				     "A kernel object (r%u) is read-only.", no);
	if (!r->type || at < 0 || !num_is(&r->n, 0) || !walk(&w))
		return verify_refuse(v, V_CTX_FIELD, r->node,
				     "Load one member, at its own offset and with its own size.",
				     "%u bytes at offset %lld of %s in r%u are no member of it.",
				     size, (long long)at, verify_kind_name(r), no);
	if (!w.is_bits && !verify_btf_pointer(v, w.t, r, out))
		return false;
	if (out->kind == K_BTF)
		out->untrusted = r->untrusted;
	return true;
}
