/* Calls of kernel functions: their arguments by the prototype that BTF gives, their references by name.
 *
 * Numbers want numbers; a pointer to the context wants it unmoved; a pointer to a kernel object wants
 * one of its type that is not null; a pointer to plain data wants memory of that size, and one whose
 * next parameter is named …__sz wants as much as that says. A function that releases wants a reference
 * that is held, unmoved. The rules are those of kernel 6.1. Later functions with rules of their own
 * (iterators, locks, lists) are not in the list and are refused.
 */
#include <string.h>

#include "verify/state.h"

enum { FAM_T = 1, FAM_N = 2, FAM_X = 4, FAM_NX = 6 };

static const struct known {
	const char *name;
	u8 programs, flags;
} known[] = {
#define KNOWN			     0
#define ACQUIRE			     VERIFY_KF_ACQUIRE
#define RELEASE			     VERIFY_KF_RELEASE
#define NULL_			     VERIFY_KF_NULL
#define TRUSTED			     VERIFY_KF_TRUSTED
#define SLEEPS			     VERIFY_KF_SLEEPS
#define KPTR_GET		     VERIFY_KF_KPTR_GET
#define KFUNC(name, programs, flags) { #name, FAM_##programs, VERIFY_KF_KNOWN | (flags) },
#include "verify/kfuncs.def"
#undef KFUNC
};

static u8 family(u32 prog)
{
	switch (prog) {
	case ISA_PROG_TRACING:
	case ISA_PROG_LSM: return FAM_T;
	case ISA_PROG_SCHED_CLS: return FAM_N;
	case ISA_PROG_XDP: return FAM_X;
	default: return 0;
	}
}

/* Of one call. */
struct kcall {
	const struct verify_kfunc *f;
	const struct type *proto;
	u32 flags;
	u32 ref; /* the reference among the arguments */
};

static bool wrong(struct verifier *v, const struct kcall *c, u32 n, const char *need)
{
	const struct reg *r = &TOP(v->st)->regs[n + 1];

	return verify_refuse(v, r->or_null ? V_NULL : V_HELPER_ARG, r->node, "",
			     "r%u is %s; " STR_FMT "() needs %s.", n + 1, verify_kind_name(r),
			     STR_ARG(c->f->name), need);
}

static bool find_flags(struct verifier *v, struct kcall *c)
{
	c->flags = c->f->flags;
	for (u32 i = 0; !c->flags && i < ARRAY_LEN(known); i++)
		if (str_is(c->f->name, known[i].name) &&
		    (known[i].programs & family(v->in->prog_type)))
			c->flags = known[i].flags;
	if (!c->flags)
		return verify_refuse(v, V_KFUNC, 0, "Use a helper instead.",
				     "Kernel function " STR_FMT
				     "() is not known to this verifier, or "
				     "not for this type of program.",
				     STR_ARG(c->f->name));
	c->proto = c->f->proto;
	if (!c->proto && v->in->btf)
		c->proto = ty_btf_find(v->in->btf, TY_FUNC, c->f->name);
	if (!c->proto || c->proto->kind != TY_FUNC || c->proto->n > 5)
		return verify_refuse(v, V_BTF, 0, "",
				     "The prototype of " STR_FMT "() is not known.",
				     STR_ARG(c->f->name));
	if ((c->flags & VERIFY_KF_SLEEPS) && !v->in->sleepable)
		return verify_refuse(v, V_KFUNC, 0, "Use a sleepable program.",
				     STR_FMT "() may sleep, this program may not.",
				     STR_ARG(c->f->name));
	if (v->st->is_locked)
		return verify_refuse(v, V_LOCK, 0, "Give the lock back before the call.",
				     STR_FMT "() is called while a spin lock is held.",
				     STR_ARG(c->f->name));
	return true;
}

static bool is_ctx(const struct verifier *v, const struct type *to)
{
	const struct isa_ctx *c = isa_ctx_of(v->in->prog_type);

	return c && to->kind == TY_STRUCT && str_is(to->name, c->name);
}

/* Numbers, and structs and arrays of them only. */
static bool is_plain(const struct type *t, u32 depth)
{
	t = ty_strip(t);
	if (depth > 4 || !ty_complete(t))
		return false;
	if (ty_is_int(t))
		return true;
	if (t->kind == TY_ARRAY)
		return t->count != TY_UNSIZED && is_plain(t->to, depth);
	if (t->kind != TY_STRUCT)
		return false;
	for (u32 i = 0; i < t->n; i++)
		if (!is_plain(t->members[i].type, depth + 1))
			return false;
	return true;
}

static bool mem_arg(struct verifier *v, struct kcall *c, u32 n, const struct type *to)
{
	const struct type *p = c->proto;
	const struct reg *r = &TOP(v->st)->regs[n + 1], *z = r + 1;
	u64 size = to->size;

	if (n + 1 < p->n && str_ends(p->params[n + 1].name, "__sz")) {
		if (!verify_read(v, (u8)(n + 2)))
			return false;
		if (z->kind != K_SCALAR || z->n.smin < 0 || z->n.umax >= 1u << 29)
			return wrong(v, c, n + 1, "a size within bounds");
		verify_precise(v, z->node);
		size = z->n.umax;
	} else if (!is_plain(to, 0)) {
		return wrong(v, c, n, "a kernel object, or the parameter must be plain data");
	}
	return verify_helper_mem(v, (u8)(n + 1), r, size, false, false, false, 0) &&
	       verify_helper_mem(v, (u8)(n + 1), r, size, false, true, false, 0);
}

static bool object_arg(struct verifier *v, struct kcall *c, u32 n, const struct type *to)
{
	const struct reg *r = &TOP(v->st)->regs[n + 1];
	bool release = (c->flags & VERIFY_KF_RELEASE) && r->ref;

	if (r->or_null || r->untrusted || !num_is(&r->n, 0))
		return wrong(v, c, n, "a kernel object that is certainly there");
	if (release && r->off)
		return wrong(v, c, n, "the reference as it came, unmoved");
	if ((c->flags & VERIFY_KF_TRUSTED) && !r->ref)
		return wrong(v, c, n, "an object that the program holds a reference of");
	if (release ? !verify_btf_same(r->type, to)
		    : !verify_btf_names(r->type, r->off, to->name, 0))
		return wrong(v, c, n, "a kernel object of another type");
	return true;
}

static bool pointer_arg(struct verifier *v, struct kcall *c, u32 n, const struct type *t)
{
	const struct type *to = ty_strip(t->to);
	const struct reg *r = &TOP(v->st)->regs[n + 1];

	if (r->ref && !c->ref)
		c->ref = r->ref;
	if ((c->flags & VERIFY_KF_KPTR_GET) && n == 0)
		return verify_kptr_slot(v, r) || wrong(v, c, n, "a slot that owns its object");
	if (is_ctx(v, to))
		return (r->kind == K_CTX && !r->off && num_is(&r->n, 0)) ||
		       wrong(v, c, n, "the context");
	if (r->kind == K_BTF)
		return object_arg(v, c, n, to);
	return mem_arg(v, c, n, to);
}

static bool all_args(struct verifier *v, struct kcall *c)
{
	const struct type *p = c->proto;

	for (u32 n = 0; n < p->n; n++) {
		const struct type *t = ty_strip(p->params[n].type);

		if (!verify_read(v, (u8)(n + 1)))
			return false;
		if (t->kind == TY_PTR ? !pointer_arg(v, c, n, t)
				      : TOP(v->st)->regs[n + 1].kind != K_SCALAR &&
						!wrong(v, c, n, "a number"))
			return false;
	}
	return true;
}

static bool give_back(struct verifier *v, const struct kcall *c)
{
	if (!c->ref || !verify_ref_drop(v, c->ref))
		return verify_refuse(v, V_REF_RELEASE, TOP(v->st)->regs[1].node,
				     "Release only what was acquired, once.",
				     STR_FMT "() releases r1, which is no reference that is held.",
				     STR_ARG(c->f->name));
	verify_forget_ref(v, c->ref);
	return true;
}

static bool result(struct verifier *v, const struct kcall *c)
{
	struct reg *r = &TOP(v->st)->regs[ISA_R0];
	const struct type *t = ty_strip(c->proto->to);

	if (ty_is_void(t)) {
		memset(r, 0, sizeof(*r));
		return true;
	}
	if (t->kind != TY_PTR) {
		verify_set_unknown(v, r);
		return true;
	}
	if (!ty_is_aggregate(ty_strip(t->to)))
		return verify_refuse(v, V_KFUNC, 0, "",
				     STR_FMT "() gives a pointer to plain memory.",
				     STR_ARG(c->f->name));
	verify_result_pointer(v, r, K_BTF, (c->flags & VERIFY_KF_NULL) != 0);
	r->type = ty_strip(t->to);
	return !(c->flags & VERIFY_KF_ACQUIRE) || verify_acquire(v, r);
}

bool verify_call_kfunc(struct verifier *v, struct isa_insn i)
{
	struct kcall c = { 0 };

	if (i.imm < 1 || (u32)i.imm > v->in->n_kfuncs)
		return verify_refuse(v, V_KFUNC, 0, "Use a helper instead.",
				     "There is no kernel function here (%d).", i.imm);
	c.f = &v->in->kfuncs[i.imm - 1];
	if (!find_flags(v, &c) || !all_args(v, &c))
		return false;
	if ((c.flags & VERIFY_KF_RELEASE) && !give_back(v, &c))
		return false;
	if (!result(v, &c))
		return false;
	verify_clobber(v);
	return true;
}
