/* load: an object's maps and programs go into the kernel.
 *
 * In this order: the object's BTF (one for all programs, with function and line records), maps,
 * then each program: linked by obj, its relocations replaced by descriptors, ids and constants
 * (patch.c), loaded. A program that is refused is loaded once more with the verifier's log, which
 * reject.c turns into an instruction and a reason.
 *
 * Without BTF (an old kernel refuses what it does not know) programs are loaded all the same; only
 * the source lines in the kernel's own log are lost.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LOG (256u << 10)
#define LAST_LOG  (16u << 20)

/* One program on its way into the kernel. */
struct loader {
	struct kern *k;
	const struct rt_setup *s;
	struct kern_btf btf; /* the kernel's, opened when first needed */
	struct obj_btf out;  /* the object's */
	struct obj_image *images;
	str *funcs, *lines; /* records, by program */
	struct rt_rejection *rej;
	struct err *e;
};

static int need_btf(struct loader *l)
{
	return l->btf.bytes ? 0 : kern_btf_open(&l->btf, l->e);
}

/* ---- BTF of the object ---------------------------------------------------------------------- */

static int link_all(struct loader *l)
{
	struct kern *k = l->k;
	int err = 0;

	l->images = arena_array_of(k->a, struct obj_image, k->n_progs);
	l->funcs = arena_array_of(k->a, str, k->n_progs);
	l->lines = arena_array_of(k->a, str, k->n_progs);
	obj_btf_build(k->a, k->obj, &l->out);
	for (u32 i = 0; !err && i < k->n_progs; i++) {
		if (k->obj->progs.at[i].disabled)
			continue;
		err = obj_link(k->a, k->obj, i, &l->images[i], l->e);
		if (!err)
			obj_debug_build(k->a, k->obj, &l->images[i], &l->out, &l->funcs[i],
					&l->lines[i]);
	}
	return err;
}

static void load_btf(struct loader *l)
{
	str blob = obj_btf_blob(&l->out);
	struct btf_header h = { 0 };
	int fd;

	if (blob.n >= sizeof(h))
		memcpy(&h, blob.s, sizeof(h));
	/* An object of maps alone has nothing to describe, and the kernel refuses BTF without types. */
	if (!h.type_len)
		return;
	fd = bpf_btf_load(blob.s, blob.n, NULL);

#ifdef SKEP_DEBUG
	/* Ours is wrong then: no kernel that the tests run on is older than what we write. */
	if (fd == -EINVAL)
		base_bug(arena_trap(l->k->a), "the kernel refuses the object's BTF");
#endif
	l->k->btf = fd < 0 ? -1 : fd;
}

/* ---- what a program is attached to by BTF --------------------------------------------------- */

static int no_target(struct loader *l, const struct obj_prog *p)
{
	return err_set(l->e, -SKEP_ENOEVENT, KERN_ROOM,
		       "program '" STR_FMT "': the kernel's BTF has no '" STR_FMT "' for " STR_FMT,
		       STR_ARG(p->name), STR_ARG(p->btf_target), STR_ARG(p->attach));
}

static int target_id(struct loader *l, const struct obj_prog *p, u32 *out)
{
	const char *prefix = "";
	u32 kind = BTF_KIND_FUNC;
	int err;

	*out = 0;
	if (p->prog_type == ISA_PROG_STRUCT_OPS || p->prog_type == ISA_PROG_EXT ||
	    p->attach_type == ISA_ATTACH_LSM_CGROUP)
		return err_set(l->e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "program '" STR_FMT "' (" STR_FMT
			       "): programs of this kind are compiled, but not loaded yet",
			       STR_ARG(p->name), STR_ARG(p->attach));
	if (p->prog_type != ISA_PROG_TRACING && p->prog_type != ISA_PROG_LSM)
		return 0;
	if (!p->btf_target.n)
		return no_target(l, p);
	err = need_btf(l);
	if (err)
		return err;
	if (p->attach_type == ISA_ATTACH_TRACE_RAW_TP) {
		prefix = "btf_trace_";
		kind = BTF_KIND_TYPEDEF;
	} else if (p->attach_type == ISA_ATTACH_TRACE_ITER) {
		prefix = "bpf_iter_";
	} else if (p->prog_type == ISA_PROG_LSM) {
		prefix = "bpf_lsm_";
	}
	*out = kern_btf_find(&l->btf, kind,
			     str_printf(l->k->a, "%s" STR_FMT, prefix, STR_ARG(p->btf_target)));
	return *out ? 0 : no_target(l, p);
}

/* ---- loading -------------------------------------------------------------------------------- */

/* Loads with a log that grows until it is not cut. The log is the caller's to free. */
static int load_logged(const struct obj_prog *p, const char *name, const char *license,
		       const struct obj_image *im, struct bpf_prog_load_opts *o, u32 level,
		       char **out_log)
{
	int fd = -ENOSPC;

	*out_log = NULL;
	for (u32 size = FIRST_LOG; fd == -ENOSPC && size <= LAST_LOG; size *= 4) {
		free(*out_log);
		*out_log = malloc(size);
		if (!*out_log)
			return -ENOMEM;
		(*out_log)[0] = 0;
		o->log_buf = *out_log;
		o->log_size = size;
		o->log_level = level;
		fd = bpf_prog_load((enum bpf_prog_type)p->prog_type, name, license,
				   (const struct bpf_insn *)im->insns, im->n, o);
		(*out_log)[size - 1] = 0;
	}
	return fd;
}

static int refused(struct loader *l, u32 i, int code, const char *log)
{
	const struct obj_prog *p = &l->k->obj->progs.at[i];
	struct rt_rejection *r = l->rej;

	r->prog = i;
	r->log = str_dup(l->k->a, str_of(log));
	kern_read_log(l->k->a, r->log, l->images[i].n, &r->insn, &r->reason);
	if (!r->reason.n && (code == -EPERM || code == -EACCES))
		return kern_denied(l->k->m, code,
				   str_printf(l->k->a,
					      "loading program '" STR_FMT "' (" STR_FMT ")",
					      STR_ARG(p->name), STR_ARG(p->attach))
					   .s,
				   l->e);
	if (!r->reason.n)
		r->reason = str_printf(l->k->a, "%s",
				       code == -E2BIG	 ? "the program is too large"
				       : code == -EINVAL ? "the kernel says only that it is "
							   "invalid (EINVAL)"
							 : strerror(-code));
	return err_set(l->e, -SKEP_EREJECTED, KERN_ROOM,
		       "program '" STR_FMT "' (" STR_FMT ") is refused: " STR_FMT, STR_ARG(p->name),
		       STR_ARG(p->attach), STR_ARG(r->reason));
}

static u32 flags_of(const struct obj_prog *p)
{
	u32 flags = p->sleepable ? BPF_F_SLEEPABLE : 0;

	if (str_starts(p->section, "xdp.frags"))
		flags |= BPF_F_XDP_HAS_FRAGS;
	return flags;
}

static int load_one(struct loader *l, u32 i)
{
	struct kern *k = l->k;
	const struct obj_prog *p = &k->obj->progs.at[i];
	const char *license = str_z(k->a, k->obj->license);
	struct obj_image *im = &l->images[i];
	struct bpf_prog_load_opts o = { .sz = sizeof(o), .prog_flags = flags_of(p) };
	char name[16], *log = NULL;
	struct trap_guard guard;
	int fd, err;

	kern_short_name(name, p->name);
	err = target_id(l, p, &o.attach_btf_id);
	err = err ? err : kern_patch(k, im, &l->btf, l->e);
	if (err)
		return err;
	if (p->attach_type == ISA_ATTACH_TRACE_KPROBE_MULTI && !need_btf(l) &&
	    !kern_btf_find(&l->btf, BTF_KIND_FUNC, STR("register_fprobe_ips")))
		k->progs[i].is_singly = true;
	else if (p->attach_type != OBJ_NONE)
		o.expected_attach_type = (enum bpf_attach_type)p->attach_type;
	/* Before 5.0 the kernel wants its own version from kprobe programs. */
	if (p->prog_type == ISA_PROG_KPROBE)
		o.kern_version = probes_kernel_version(k->m);
	if (k->btf >= 0 && l->funcs[i].n) {
		o.prog_btf_fd = (u32)k->btf;
		o.func_info = l->funcs[i].s;
		o.func_info_cnt = l->funcs[i].n / 8;
		o.func_info_rec_size = 8;
		o.line_info = l->lines[i].s;
		o.line_info_cnt = l->lines[i].n / 16;
		o.line_info_rec_size = 16;
	}
	if (l->s->log_level)
		fd = load_logged(p, name, license, im, &o, l->s->log_level, &log);
	else
		fd = bpf_prog_load((enum bpf_prog_type)p->prog_type, name, license,
				   (const struct bpf_insn *)im->insns, im->n, &o);
	if (fd < 0 && !log)
		fd = load_logged(p, name, license, im, &o, 1, &log);
	if (fd >= 0)
		k->progs[i].fd = fd;
	trap_guard_push(arena_trap(k->a), &guard, free, log);
	err = fd < 0 ? refused(l, i, fd, log ? log : "") : 0;
	trap_guard_pop(arena_trap(k->a));
	free(log);
	return err;
}

static int load_programs(struct loader *l)
{
	struct kern *k = l->k;
	int err = 0;

	for (u32 i = 0; !err && i < k->n_progs; i++)
		if (!k->obj->progs.at[i].disabled)
			err = load_one(l, i);
	return err;
}

int kern_load(void *self, const struct rt_setup *s, struct rt_rejection *out_rej, struct err *e)
{
	struct kern *k = self;
	struct loader l = { .k = k, .s = s, .rej = out_rej, .e = e };
	struct trap_guard guard;
	int err;

	if (k->obj)
		return err_set(e, -EBUSY, KERN_ROOM, "an object is loaded already");
	*out_rej = (struct rt_rejection){ .insn = OBJ_NONE };
	kern_raise_memlock(k->m);
	trap_guard_push(arena_trap(k->a), &guard, kern_btf_undo, &l.btf);
	k->obj = s->obj;
	k->progs = arena_array_of(k->a, struct kern_prog, s->obj->progs.n);
	k->n_progs = s->obj->progs.n;
	for (u32 i = 0; i < k->n_progs; i++)
		k->progs[i].fd = -1;
	err = link_all(&l);
	if (!err) {
		load_btf(&l);
		err = kern_maps_create(k, l.out.maps, e);
	}
	if (!err && s->n_pids)
		err = kern_scope_pids(k, s->pids, s->n_pids, e);
	err = err ? err : load_programs(&l);
	err = err ? err : kern_maps_fill(k, e);
	err = err ? err : kern_ring_open(k, e);
	trap_guard_pop(arena_trap(k->a));
	kern_btf_close(&l.btf);
	return err;
}

int kern_run_once(void *self, u32 prog, struct err *e)
{
	struct kern *k = self;
	/* As many arguments as a raw tracepoint may have, all 0. */
	u64 ctx[12] = { 0 };
	struct bpf_test_run_opts o = { .sz = sizeof(o), .ctx_in = ctx, .ctx_size_in = sizeof(ctx) };
	int err;

	if (prog >= k->n_progs || k->progs[prog].fd < 0)
		return err_set(e, -EINVAL, KERN_ROOM, "program %u is not loaded", prog);
	err = bpf_prog_test_run_opts(k->progs[prog].fd, &o);
	if (err == -ENOTSUP || err == -524 /* ENOTSUPP of the kernel */)
		return err_set(e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "this kernel cannot run a program on demand, which BEGIN, END and "
			       "interval need; Linux 5.10 can");
	if (err == -EPERM)
		return kern_denied(k->m, err, "running a program on demand", e);
	return err ? err_set(e, err, KERN_ROOM, "program '" STR_FMT "' cannot be run: %s",
			     STR_ARG(k->obj->progs.at[prog].name), strerror(-err))
		   : 0;
}
