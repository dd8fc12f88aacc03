/* What the tests of jit share: a program under construction, and making it native. Include cmocka before. */
#ifndef SKEP_TEST_JIT_FIXTURE
#define SKEP_TEST_JIT_FIXTURE

#include "jit/jit.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
	struct vm_thread *thread;
	struct isa_insn code[4096];
	u32 n;
	struct vm_spec spec;
};

static inline int set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->thread = vm_thread_new(0);
	*state = x;
	return x->thread ? 0 : -1;
}

static inline int tear_down(void **state)
{
	struct fixture *x = *state;

	vm_thread_free(x->thread);
	free(x);
	return 0;
}

static inline void put(struct fixture *x, struct isa_insn i)
{
	x->code[x->n++] = i;
}

static inline void start(struct fixture *x)
{
	x->n = 0;
	memset(&x->spec, 0, sizeof(x->spec));
}

static inline struct vm_prog *bind(struct fixture *x)
{
	struct vm_prog *p = NULL;
	struct err e = { 0 };

	x->spec.insns = x->code;
	x->spec.n = x->n;
	if (vm_prog_new(&x->spec, &p, &e) < 0)
		fail_msg("vm_prog_new: %s", e.msg);
	return p;
}

static inline struct jit_code *compile(const struct vm_prog *p, const struct jit_options *o)
{
	struct jit_code *c = NULL;
	struct err e = { 0 };

	if (jit_compile(p, o, &c, &e) < 0)
		fail_msg("jit_compile: %s", e.msg);
	return c;
}

static inline u64 run_once(struct fixture *x, void *ctx, const struct jit_options *o)
{
	struct vm_prog *p = bind(x);
	struct jit_code *c = compile(p, o);
	u64 r = jit_entry(c)(ctx, x->thread);

	jit_free(c);
	vm_prog_free(p);
	return r;
}

static inline struct maps_map *make_map(u32 type, u32 value_size, u32 n)
{
	struct maps_spec spec = { .name = STR("m"),
				  .type = type,
				  .key_size = 4,
				  .value_size = value_size,
				  .max_entries = n };
	struct maps_map *m = NULL;
	struct err e = { 0 };

	if (maps_create(&spec, &m, &e) < 0)
		fail_msg("maps_create: %s", e.msg);
	return m;
}

static inline void put_wide(struct fixture *x, u8 dst, u8 pseudo, u64 value)
{
	isa_ld_imm64(&x->code[x->n], dst, pseudo, value);
	x->n += 2;
}

#endif
