/* The kernel as an oracle, for tests, which include this file: creates an object's maps, loads an
 * image with its BTF as a raw tracepoint program, and runs it on context words without attaching it
 * to anything (BPF_PROG_TEST_RUN). Straight bpf(2), so that it does not depend on what it tests.
 */
#ifndef SKEP_TEST_BPF_KERNEL
#define SKEP_TEST_BPF_KERNEL

#include "obj/obj.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	KERNEL_MAPS = 8,
	KERNEL_LOG = 1 << 20,
	KERNEL_TAIL = 700 /* bytes of the log that are shown: cmocka cuts messages */
};

struct kernel {
	struct arena *a;
	const struct obj *o;
	int maps[KERNEL_MAPS], btf, prog;
	char *log;
	str why;	/* what failed */
	bool forbidden; /* because this process may not */
};

static inline int kernel_call(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static inline bool kernel_fail(struct kernel *k, const char *what, int err)
{
	k->forbidden = err == -EPERM || err == -ENOSYS;
	k->why = str_printf(k->a, "%s: %s\n%s", what, strerror(-err),
			    strlen(k->log) > KERNEL_TAIL ? k->log + strlen(k->log) - KERNEL_TAIL
							 : k->log);
	return false;
}

static inline bool kernel_fill(struct kernel *k, int fd, const struct obj_data *d)
{
	union bpf_attr attr = { 0 };
	u32 key = 0;
	int err;

	attr.map_fd = (u32)fd;
	attr.key = (u64)(uintptr_t)&key;
	attr.value = (u64)(uintptr_t)d->bytes;
	err = d->bytes ? kernel_call(BPF_MAP_UPDATE_ELEM, &attr) : 0;
	if (!err && d->kind == OBJ_RODATA) {
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (u32)fd;
		err = kernel_call(BPF_MAP_FREEZE, &attr);
	}
	return err ? kernel_fail(k, "filling a data section", err) : true;
}

static inline bool kernel_maps(struct kernel *k, const struct obj_btf *btf)
{
	for (u32 i = 0; i < k->o->maps.n && i < KERNEL_MAPS; i++) {
		const struct obj_map *m = &k->o->maps.at[i];
		union bpf_attr attr = { 0 };

		attr.map_type = m->type;
		attr.key_size = m->key_size;
		attr.value_size = m->value_size;
		attr.max_entries = m->max_entries;
		attr.map_flags = m->flags;
		if (btf->maps[i].value) {
			attr.btf_fd = (u32)k->btf;
			attr.btf_key_type_id = btf->maps[i].key;
			attr.btf_value_type_id = btf->maps[i].value;
		}
		k->maps[i] = kernel_call(BPF_MAP_CREATE, &attr);
		if (k->maps[i] < 0)
			return kernel_fail(k, "creating a map", k->maps[i]);
		if (m->data != OBJ_NONE && !kernel_fill(k, k->maps[i], &k->o->datas.at[m->data]))
			return false;
	}
	return true;
}

static inline bool kernel_relocate(struct kernel *k, struct obj_image *im)
{
	for (u32 i = 0; i < im->relocs.n; i++) {
		const struct obj_reloc *r = &im->relocs.at[i];

		if (r->kind == OBJ_R_MAP)
			im->insns[r->insn].imm = k->maps[r->index];
		else if (r->kind == OBJ_R_DATA)
			im->insns[r->insn].imm = k->maps[k->o->datas.at[r->index].map];
		else if (r->kind != OBJ_R_FUNC)
			return kernel_fail(k, "a relocation that this test cannot fill", -EINVAL);
	}
	return true;
}

static inline bool kernel_btf(struct kernel *k, struct obj_btf *btf)
{
	union bpf_attr attr = { 0 };
	str blob = obj_btf_blob(btf);

	attr.btf = (u64)(uintptr_t)blob.s;
	attr.btf_size = blob.n;
	attr.btf_log_buf = (u64)(uintptr_t)k->log;
	attr.btf_log_size = KERNEL_LOG;
	attr.btf_log_level = 1;
	k->btf = kernel_call(BPF_BTF_LOAD, &attr);
	return k->btf < 0 ? kernel_fail(k, "loading BTF", k->btf) : true;
}

static inline bool kernel_prog(struct kernel *k, const struct obj_image *im, str funcs, str lines)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (u64)(uintptr_t)im->insns;
	attr.insn_cnt = im->n;
	attr.license = (u64)(uintptr_t) "GPL";
	attr.log_buf = (u64)(uintptr_t)k->log;
	attr.log_size = KERNEL_LOG;
	attr.log_level = 1;
	attr.prog_btf_fd = (u32)k->btf;
	attr.func_info = (u64)(uintptr_t)funcs.s;
	attr.func_info_rec_size = 8;
	attr.func_info_cnt = funcs.n / 8;
	attr.line_info = (u64)(uintptr_t)lines.s;
	attr.line_info_rec_size = 16;
	attr.line_info_cnt = lines.n / 16;
	k->prog = kernel_call(BPF_PROG_LOAD, &attr);
	return k->prog < 0 ? kernel_fail(k, "loading the program", k->prog) : true;
}

/* Loads program 0 of an object; false with `why`. Close in any case. */
static inline bool kernel_open(struct kernel *k, struct arena *a, const struct obj *o)
{
	struct obj_image im;
	struct obj_btf btf;
	str funcs, lines;
	struct err e;

	*k = (struct kernel){ .a = a, .o = o, .btf = -1, .prog = -1 };
	memset(k->maps, 0xff, sizeof(k->maps));
	k->log = arena_alloc(a, KERNEL_LOG);
	if (obj_link(a, o, 0, &im, &e))
		return kernel_fail(k, "linking", -EINVAL);
	obj_btf_build(a, o, &btf);
	obj_debug_build(a, o, &im, &btf, &funcs, &lines);
	return kernel_btf(k, &btf) && kernel_maps(k, &btf) && kernel_relocate(k, &im) &&
	       kernel_prog(k, &im, funcs, lines);
}

/* Runs it; the lower half of r0 is the result. */
static inline bool kernel_run(struct kernel *k, const u64 *ctx, u32 n, u32 *out)
{
	union bpf_attr attr = { 0 };
	int err;

	attr.test.prog_fd = (u32)k->prog;
	attr.test.ctx_in = (u64)(uintptr_t)ctx;
	attr.test.ctx_size_in = n * 8;
	err = kernel_call(BPF_PROG_TEST_RUN, &attr);
	*out = attr.test.retval;
	return err ? kernel_fail(k, "running the program", err) : true;
}

static inline void kernel_close(struct kernel *k)
{
	for (u32 i = 0; i < KERNEL_MAPS; i++)
		if (k->maps[i] >= 0)
			close(k->maps[i]);
	if (k->btf >= 0)
		close(k->btf);
	if (k->prog >= 0)
		close(k->prog);
}

#endif
