/* Jumps: which way a comparison can go, and what each way teaches.
 *
 * Numbers are refined on both sides (compare.c) together with every register that holds the same
 * value; pointers learn that they are not null, or become 0; packet pointers learn how many bytes
 * lie in front of the packet's end. A comparison whose outcome is known makes its operands precise.
 */
#include <string.h>

#include "verify/guard.h"
#include "verify/state.h"

void verify_push(struct verifier *v, u32 insn, const struct state *st)
{
	struct pending *p = v->free_pending;

	if (p)
		v->free_pending = p->next;
	else
		p = arena_new_of(v->a, struct pending);
	verify_state_copy(v, &p->st, st);
	p->insn = insn;
	p->parent = v->parent;
	p->trail = v->trail_at;
	memcpy(p->written, v->written, sizeof(p->written));
	p->next = v->todo;
	v->todo = p;
	if (v->parent)
		v->parent->branches++;
	v->n_states++;
	if (v->n_states > v->out->peak_states)
		v->out->peak_states = v->n_states;
}

struct equal {
	struct verifier *v;
	u32 id;
	const struct reg *from;
};

static void spread(struct reg *r, void *arg)
{
	struct equal *e = arg;

	if (r->kind != K_SCALAR || r->id != e->id || r == e->from)
		return;
	r->n = e->from->n;
	r->node = verify_node(e->v, r->node, e->from->node);
}

/* Both operands of a comparison that holds (or not) in `st`. False: it cannot be. */
static bool learn(struct verifier *v, struct state *st, struct isa_insn i, bool holds)
{
	bool is64 = isa_class(i) == ISA_JMP;
	u8 op = isa_op(i);
	struct reg *d = &TOP(st)->regs[i.dst], *s = NULL;
	struct num k = num_const((u64)(s64)i.imm), *other = &k;
	u32 from = 0;

	if (i.code & ISA_X) {
		s = &TOP(st)->regs[i.src];
		other = &s->n;
		from = s->node;
	}
	if (op == ISA_JSET && !holds) {
		if (!num_is_const(other))
			return true;
		d->n.mask &= ~(is64 ? other->bits : (u32)other->bits);
		if (!num_settle(&d->n))
			return false;
	} else if (s == d) {
		return true;
	} else if (!num_assume(holds ? op : num_negate(op), is64, &d->n, other)) {
		return false;
	}
	d->node = verify_node(v, d->node, from);
	if (s)
		s->node = verify_node(v, s->node, d->node);
	if (d->id)
		verify_each_reg(st, spread, &(struct equal){ v, d->id, d });
	if (s && s->id)
		verify_each_reg(st, spread, &(struct equal){ v, s->id, s });
	return true;
}

static void note(struct verifier *v, bool taken)
{
	struct trail *t = vec_push(v->a, &v->trail);

	t->prev = v->trail_at;
	t->insn = v->insn;
	t->taken = taken;
	t->order = v->nodes.n - 1;
	v->trail_at = v->trail.n - 1;
}

/* Follows both ways: the taken one is put off with its own trail. */
static void both(struct verifier *v, u32 to, const struct state *yes)
{
	u32 before = v->trail_at;

	note(v, true);
	verify_push(v, to, yes);
	v->trail_at = before;
	note(v, false);
}

static void go(struct verifier *v, bool taken, u32 to)
{
	note(v, taken);
	if (taken)
		v->next = to;
}

/* For the JIT: on every path so far this comparison met a pointer that is not null. */
static void note_never_null(struct verifier *v, bool yes)
{
	struct verify_fact *f = &v->out->facts[v->insn];

	f->never_null = yes && (!f->is_reached || f->never_null);
}

static bool compare_numbers(struct verifier *v, struct isa_insn i, u32 to)
{
	struct reg *d = &TOP(v->st)->regs[i.dst];
	struct num k = num_const((u64)(s64)i.imm);
	const struct num *other = (i.code & ISA_X) ? &TOP(v->st)->regs[i.src].n : &k;
	u32 dn = d->node, sn = (i.code & ISA_X) ? TOP(v->st)->regs[i.src].node : 0;
	int known = num_compare(isa_op(i), isa_class(i) == ISA_JMP, &d->n, other);
	struct state yes, no;
	bool can_yes, can_no;

	note_never_null(v, false);
	if (known >= 0) {
		verify_precise(v, dn);
		verify_precise(v, sn);
		verify_guess_branch(v, i, known ? v->insn + 1 : to);
		go(v, known == 1, to);
		return true;
	}
	verify_state_copy(v, &yes, v->st);
	verify_state_copy(v, &no, v->st);
	can_yes = learn(v, &yes, i, true);
	can_no = learn(v, &no, i, false);
	if (can_yes != can_no) {
		verify_precise(v, dn);
		verify_precise(v, sn);
		verify_guess_branch(v, i, can_yes ? v->insn + 1 : to);
		go(v, can_yes, to);
	} else if (can_yes) {
		both(v, to, &yes);
	}
	verify_state_drop(v, v->st);
	if (can_yes && !can_no) {
		verify_state_drop(v, &no);
		*v->st = yes;
	} else {
		verify_state_drop(v, &yes);
		*v->st = no;
	}
	if (!can_yes && !can_no)
		v->ended = true;
	return true;
}

/* ---- null checks ----------------------------------------------------------------------------- */

struct nullness {
	struct verifier *v;
	u32 id;
	bool is_null;
};

static void decide_null(struct reg *r, void *arg)
{
	struct nullness *n = arg;

	if (!r->or_null || r->id != n->id)
		return;
	if (n->is_null) {
		verify_set_scalar(n->v, r, num_const(0), r->node, 0);
		return;
	}
	r->or_null = false;
	r->node = verify_node(n->v, r->node, 0);
	if (!(r->kind == K_VALUE && n->v->in->maps[r->map].spin_lock_off != OBJ_NONE))
		r->id = 0;
}

static void set_null(struct verifier *v, struct state *st, u32 id, u32 ref, bool is_null)
{
	struct state *saved = v->st;

	verify_each_reg(st, decide_null, &(struct nullness){ v, id, is_null });
	v->st = st;
	if (is_null && ref)
		verify_ref_drop(v, ref);
	v->st = saved;
}

static bool never_null(const struct reg *r)
{
	switch (r->kind) {
	case K_SOCK:
	case K_TCP_SOCK:
	case K_SOCK_COMMON:
	case K_VALUE:
	case K_MEM: return !r->or_null;
	default: return false;
	}
}

static bool null_check(struct verifier *v, struct isa_insn i, u32 to)
{
	struct reg d = TOP(v->st)->regs[i.dst];
	bool eq = isa_op(i) == ISA_JEQ;
	struct state yes;

	if (never_null(&d)) {
		note_never_null(v, true);
		verify_guess_branch(v, i, eq ? to : v->insn + 1);
		go(v, !eq, to);
		return true;
	}
	note_never_null(v, false);
	verify_state_copy(v, &yes, v->st);
	if (d.or_null) {
		set_null(v, &yes, d.id, d.ref == d.id ? d.ref : 0, eq);
		set_null(v, v->st, d.id, d.ref == d.id ? d.ref : 0, !eq);
	}
	both(v, to, &yes);
	verify_state_drop(v, &yes);
	return true;
}

/* ---- packets --------------------------------------------------------------------------------- */

struct grow {
	u32 id;
	u8 kind;
	u32 range;
};

static void grow(struct reg *r, void *arg)
{
	struct grow *g = arg;

	if (r->kind == g->kind && r->id == g->id && r->range < g->range)
		r->range = (u16)g->range;
}

/* `p` was found to be at most (`open`: less than) the end: bytes up to it exist. */
static void found_range(struct state *st, const struct reg *p, bool open)
{
	s64 range = (s64)p->off + open;

	if (p->off < 0 || (p->off == 0 && !open))
		return;
	if (p->n.umax > 0xffff || p->n.umax + (u64)p->off > 0xffff)
		return;
	verify_each_reg(st, grow, &(struct grow){ p->id, p->kind, (u32)range });
}

static void found_beyond(struct state *st, u8 no, enum beyond what)
{
	struct reg *r = &TOP(st)->regs[no];

	if (r->kind == K_PACKET && r->beyond < what)
		r->beyond = (u8)what;
}

/* Packet data against its end, or metadata against the data that follows it. */
static bool packet_pair(const struct reg *a, const struct reg *b)
{
	bool start = b->kind == K_PACKET && b->off == 0 && b->id == 0 && num_is(&b->n, 0);

	return (a->kind == K_PACKET && b->kind == K_END) || (a->kind == K_META && start);
}

/* A comparison of packet pointers, turned round if need be so that `p` is on the left. */
struct packet_test {
	const struct reg *p;
	u8 no; /* register of p */
	u8 op;
};

static bool packet_test(struct isa_insn i, const struct reg *d, const struct reg *s,
			struct packet_test *out)
{
	u8 op = isa_op(i);

	if (isa_class(i) != ISA_JMP || !(i.code & ISA_X))
		return false;
	if (packet_pair(d, s)) {
		*out = (struct packet_test){ d, i.dst, op };
		return true;
	}
	op = op == ISA_JGT   ? ISA_JLT
	     : op == ISA_JLT ? ISA_JGT
	     : op == ISA_JGE ? ISA_JLE
	     : op == ISA_JLE ? ISA_JGE
			     : op;
	*out = (struct packet_test){ s, i.src, op };
	return packet_pair(s, d);
}

static void packet_learn(struct state *yes, struct state *no, const struct packet_test *t)
{
	switch (t->op) {
	case ISA_JGT:
		found_range(no, t->p, false);
		found_beyond(yes, t->no, BEHIND_END);
		break;
	case ISA_JGE:
		found_range(no, t->p, true);
		found_beyond(yes, t->no, AT_END);
		break;
	case ISA_JLT:
		found_range(yes, t->p, true);
		found_beyond(no, t->no, AT_END);
		break;
	case ISA_JLE:
		found_range(yes, t->p, false);
		found_beyond(no, t->no, BEHIND_END);
		break;
	default: break;
	}
}

/* The outcome where an earlier comparison found the pointer behind the end; -1: open. */
static int packet_known(const struct packet_test *t)
{
	switch (t->op) {
	case ISA_JGT: return t->p->beyond == BEHIND_END ? 1 : -1;
	case ISA_JLE: return t->p->beyond == BEHIND_END ? 0 : -1;
	case ISA_JGE: return t->p->beyond ? 1 : -1;
	case ISA_JLT: return t->p->beyond ? 0 : -1;
	default: return -1;
	}
}

static bool compare_packets(struct verifier *v, struct isa_insn i, u32 to,
			    const struct packet_test *t)
{
	struct state yes;
	int known = packet_known(t);

	if (known >= 0) {
		verify_guess_branch(v, i, known ? v->insn + 1 : to);
		go(v, known, to);
		return true;
	}
	verify_state_copy(v, &yes, v->st);
	packet_learn(&yes, v->st, t);
	both(v, to, &yes);
	verify_state_drop(v, &yes);
	return true;
}

static bool compare_pointers(struct verifier *v, struct isa_insn i, u32 to)
{
	struct reg d = TOP(v->st)->regs[i.dst], s = { 0 };
	bool is_x = (i.code & ISA_X) != 0;
	struct packet_test t;
	struct state yes;

	if (is_x)
		s = TOP(v->st)->regs[i.src];
	else
		s.kind = K_SCALAR;
	if (isa_class(i) == ISA_JMP && !is_x && i.imm == 0 && d.kind != K_SCALAR &&
	    (isa_op(i) == ISA_JEQ || isa_op(i) == ISA_JNE) &&
	    (v->in->privileged || d.or_null || never_null(&d)))
		return null_check(v, i, to);
	if (packet_test(i, &d, &s, &t))
		return compare_packets(v, i, to, &t);
	if (!v->in->privileged)
		return verify_refuse(v, V_LEAK, d.node, "Compare pointers with 0 only.",
				     "Comparing a pointer with something else would leak it.");
	note_never_null(v, false);
	verify_state_copy(v, &yes, v->st);
	both(v, to, &yes);
	verify_state_drop(v, &yes);
	return true;
}

bool verify_branch(struct verifier *v, struct isa_insn i)
{
	const struct reg *regs = TOP(v->st)->regs;
	u32 to = v->insn + 1 + (u32)(s32)i.off;

	if (isa_op(i) == ISA_JA) {
		v->next = isa_class(i) == ISA_JMP32 ? v->insn + 1 + (u32)i.imm : to;
		return true;
	}
	if (((i.code & ISA_X) && !verify_read(v, i.src)) || !verify_read(v, i.dst))
		return false;
	v->jumps_since++;
	if (regs[i.dst].kind == K_SCALAR && (!(i.code & ISA_X) || regs[i.src].kind == K_SCALAR))
		return compare_numbers(v, i, to);
	return compare_pointers(v, i, to);
}
