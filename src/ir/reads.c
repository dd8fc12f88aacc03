/* reads: loads through kernel and user addresses become probe reads.
 *
 * C code says `sk->sk_family`; the verifier lets a program read kernel memory only through a
 * helper. Each load whose base is a plain address (regions kernel, user, any, unknown) becomes
 *
 *	probe_read_kernel(&tmp, size, base + off);   x = tmp;
 *
 * with one slot `tmp` per function: every value is taken out right behind the call, so that slots
 * of many reads need no stack. When the read faults the helper itself fills the destination with
 * zero, hence nothing is cleared first and the value of a bad pointer is 0, as BCC has it. A MOVE
 * from such an address is one probe read into its destination; from a BTF pointer too, since the
 * verifier checks plain loads there member by member.
 *
 * Inside a block a read that was just made is not made again. Kernel memory can change, so only
 * what the compiler could have seen as one access is merged: never across a call other than a probe
 * read, never a volatile one, and for addresses of unknown origin never across a store.
 *
 * Writes through such addresses are the user's errors, as is any access where two kinds of pointers
 * meet. What is left out: memory arguments of helpers in the wrong region (the verifier says it).
 */
#include "ir/edit.h"
#include "ir/passes.h"
#include "ir/regions.h"

enum { PROBE_READ = 4, PROBE_READ_USER = 112, PROBE_READ_KERNEL = 113 };
enum { REMEMBERED = 16 };

/* A read made earlier in the block: what was asked, and the load that holds the answer. */
struct seen {
	struct ir_ins *base, *value;
	s64 off;
	u8 size, width, region;
	bool is_signed, is_unsure;
};

struct reads {
	struct ir_pass_ctx *c;
	struct ir_fn *fn;
	struct ir_ins *tmp;
	struct seen seen[REMEMBERED];
	u32 n_seen, next_seen;
	bool has_merged;
};

static u32 probe_of(const struct reads *r, u8 region)
{
	if (!r->c->target->split_probe_reads)
		return PROBE_READ;
	if (region == IR_IN_KERNEL || region == IR_IN_BTF)
		return PROBE_READ_KERNEL;
	return region == IR_IN_USER ? PROBE_READ_USER : PROBE_READ;
}

/* probe(dst + dst_off, bytes, src + src_off) in front of `at`. */
static void put_probe(struct reads *r, struct ir_ins *at, struct ir_ins *dst, s64 dst_off,
		      u32 bytes, struct ir_ins *src, s64 src_off)
{
	struct ir_ins *to = ir_put_address(at, dst, dst_off);
	struct ir_ins *size = ir_put_const(at, 64, bytes);
	struct ir_ins *from = ir_put_address(at, ir_put_width(at, 64, src), src_off);
	struct ir_ins *call = ir_ins_new(r->fn, IR_CALL, 64, 3);

	call->imm = probe_of(r, src->region);
	call->args[0] = to;
	call->args[1] = size;
	call->args[2] = from;
	call->span = at->span;
	ir_insert_before(at, call);
}

/* ---- merging --------------------------------------------------------------------------------- */

static void forget(struct reads *r)
{
	r->n_seen = r->next_seen = 0;
}

static void forget_unsure(struct reads *r)
{
	for (u32 i = 0; i < r->n_seen; i++)
		if (r->seen[i].is_unsure)
			r->seen[i].base = NULL;
}

static struct ir_ins *find_seen(const struct reads *r, const struct ir_ins *load)
{
	for (u32 i = 0; i < r->n_seen; i++) {
		const struct seen *s = &r->seen[i];

		if (s->base == load->args[0] && s->off == load->imm && s->size == load->size &&
		    s->width == load->width && s->is_signed == load->is_signed &&
		    s->region == load->region)
			return s->value;
	}
	return NULL;
}

static void remember(struct reads *r, struct ir_ins *base, s64 off, struct ir_ins *value)
{
	struct seen *s = &r->seen[r->next_seen];

	r->next_seen = (r->next_seen + 1) % REMEMBERED;
	if (r->n_seen < REMEMBERED)
		r->n_seen++;
	*s = (struct seen){
		.base = base,
		.value = value,
		.off = off,
		.size = value->size,
		.width = value->width,
		.region = value->region,
		.is_signed = value->is_signed,
		.is_unsure = base->region == IR_IN_ANY || base->region == IR_IN_UNKNOWN,
	};
}

/* ---- wrong programs -------------------------------------------------------------------------- */

static void refuse_mixed(struct reads *r, const struct ir_ins *at)
{
	diag_add(r->c->dx, at->span, E_TYPE,
		 "this pointer can be one of several kinds here, such as stack and kernel memory, "
		 "and "
		 "each kind is accessed by other instructions");
	diag_hint(r->c->dx, "make the access in each branch, where the kind is known, and let only "
			    "the value meet");
}

static void refuse_write(struct reads *r, const struct ir_ins *at, u8 region)
{
	struct diags *dx = r->c->dx;

	if (region == IR_IN_USER) {
		diag_add(dx, at->span, E_KERNEL_WRITE,
			 "this writes to memory of the traced process, which plain code cannot "
			 "reach");
		diag_hint(dx, "bpf_probe_write_user() can write there; otherwise copy into a local "
			      "variable and change that");
	} else if (region == IR_IN_KERNEL) {
		diag_add(dx, at->span, E_KERNEL_WRITE,
			 "this writes to memory of the kernel, which a program may only read");
		diag_hint(dx, "copy the object into a local variable and change the copy");
	} else {
		diag_add(dx, at->span, E_KERNEL_WRITE,
			 "this writes through an address that is not known to be the program's own "
			 "memory");
		diag_hint(dx,
			  "only local variables, globals, map values and reserved records can be "
			  "written; kernel memory is read-only, and bpf_probe_write_user() writes "
			  "to a process");
	}
}

static void refuse_opaque(struct reads *r, const struct ir_ins *at, u8 region)
{
	const char *what = region == IR_IN_MAP	  ? "a map itself, not to a value in it"
			   : region == IR_IN_FUNC ? "a function"
						  : "the end of the packet";

	diag_add(r->c->dx, at->span, E_TYPE, "this accesses memory through a pointer to %s", what);
	if (region == IR_IN_MAP)
		diag_hint(r->c->dx, "look the value up first");
}

/* False after a diagnostic: no memory that this pointer kind could reach. */
static bool check_access(struct reads *r, const struct ir_ins *at, u8 region, bool writes)
{
	switch (region) {
	case IR_IN_MIXED: refuse_mixed(r, at); return false;
	case IR_IN_MAP:
	case IR_IN_FUNC:
	case IR_IN_PACKET_END: refuse_opaque(r, at, region); return false;
	default: break;
	}
	if (!writes || !ir_region_is_weak((enum ir_region)region))
		return true;
	refuse_write(r, at, region);
	return false;
}

/* ---- rewriting ------------------------------------------------------------------------------- */

/* A pointer that was itself read twice is one pointer by now. */
static void resolve(struct ir_ins **arg)
{
	while ((*arg)->note)
		*arg = (*arg)->note;
}

static void load(struct reads *r, struct ir_ins *i)
{
	struct ir_ins *base, *earlier;
	s64 off = i->imm;

	resolve(&i->args[0]);
	base = i->args[0];
	if (!check_access(r, i, base->region, false))
		return;
	if (!ir_region_is_weak((enum ir_region)base->region))
		return;
	earlier = i->is_volatile ? NULL : find_seen(r, i);
	if (earlier) {
		i->note = earlier;
		r->has_merged = true;
		ir_remove(i);
		return;
	}
	if (!r->tmp) {
		r->tmp = ir_put_slot(r->fn, 8, 8, i->span);
		r->tmp->region = IR_IN_STACK;
	}
	put_probe(r, i, r->tmp, 0, i->size, base, off);
	i->args[0] = r->tmp;
	i->imm = 0;
	if (!i->is_volatile)
		remember(r, base, off, i);
	i->is_volatile = false;
}

static void move(struct reads *r, struct ir_ins *i)
{
	u8 to = i->args[0]->region, from = i->args[1]->region;

	resolve(&i->args[0]);
	resolve(&i->args[1]);
	if (!check_access(r, i, from, false) || !check_access(r, i, to, true))
		return;
	if (!ir_region_is_weak((enum ir_region)from) && from != IR_IN_BTF)
		return;
	if (i->count && !ir_region_is_own((enum ir_region)to)) {
		diag_add(
			r->c->dx, i->span, E_KERNEL_WRITE,
			"kernel or user memory can only be copied to local variables, globals, map "
			"values and reserved records");
		diag_hint(r->c->dx, "copy it into a local variable first");
		return;
	}
	if (i->count)
		put_probe(r, i, i->args[0], i->imm, i->count, i->args[1], i->off2);
	ir_remove(i);
}

static void rewrite(struct reads *r, struct ir_ins *i)
{
	switch (i->op) {
	case IR_LOAD: load(r, i); break;
	case IR_MOVE:
		forget_unsure(r);
		move(r, i);
		break;
	case IR_STORE:
	case IR_ZERO:
		if (i->args[0]->region != IR_IN_STACK)
			forget_unsure(r);
		check_access(r, i, i->args[0]->region, true);
		break;
	case IR_ATOMIC:
		forget(r);
		check_access(r, i, i->args[0]->region, true);
		break;
	case IR_CALL:
		if (i->imm == PROBE_READ || i->imm == PROBE_READ_USER ||
		    i->imm == PROBE_READ_KERNEL)
			forget_unsure(r);
		else
			forget(r);
		break;
	case IR_CALL_FN:
	case IR_CALL_KFUNC: forget(r); break;
	default: break;
	}
}

void ir_pass_reads(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	struct reads r = { .c = c, .fn = fn };

	ir_regions(fn);
	ir_notes_clear(fn);
	for (struct ir_block *b = fn->first; b; b = b->next) {
		struct ir_ins *next;

		forget(&r);
		for (struct ir_ins *i = b->first; i; i = next) {
			next = i->next;
			rewrite(&r, i);
		}
	}
	if (r.has_merged)
		ir_forward_all(fn);
	ir_notes_clear(fn);
}
