/* The driver: a bound program goes through analysis (flow.c), selection (select.c, value.c, alu.c,
 * call.c) and layout (code.c) into bytes, and the bytes into sealed memory.
 *
 * W^X: pages are mapped for writing, filled, then turned to read and execute; never both. A page
 * without access stands on either side, so that running off the code faults. On arm64 the
 * instruction cache is told. The constants' blinding key is drawn from the system for each
 * compilation; jit_compile_for(), whose bytes must not vary, takes a fixed one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "jit/select.h"
/* Behind isa.h, which uses and gives up the name MAP_TYPE. */
#include <sys/mman.h>
#include "jit/arm64.h"
#include "jit/x86_64.h"
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

struct jit_code {
	u8 *map; /* guard page, code, guard page */
	size_t mapped, page;
	u32 size, tail_entry;
	const struct vm_prog *prog;
	bool counts;
};

static const struct jit_target *host(const struct jit_options *o)
{
#if defined(__x86_64__)
	if (o && o->baseline)
		return &jit_x86_64_old;
	return __builtin_cpu_supports("bmi2") ? &jit_x86_64 : &jit_x86_64_old;
#elif defined(__aarch64__)
	enum { ATOMICS = 1 << 8 }; /* HWCAP_ATOMICS of the kernel's ABI */

	if (o && o->baseline)
		return &jit_arm64_old;
	return getauxval(AT_HWCAP) & ATOMICS ? &jit_arm64 : &jit_arm64_old;
#else
	(void)o;
	return NULL;
#endif
}

/* Analysis and selection; the code's size is returned, or a negative errno. */
static s64 translate(const struct jit_target *t, struct arena *a, const struct vm_prog *p,
		     const struct jit_options *o, u64 key, struct jit_buf *b, u32 *out_tail_entry,
		     struct err *e)
{
	static const struct jit_options plain;
	struct flow f;
	int r;

	o = o ? o : &plain;
	r = jit_flow(&f, a, p, t, o, e);
	if (r < 0)
		return r;
	*out_tail_entry = jit_select(&f, b, o, key);
	return jit_buf_layout(b, t);
}

static int seal(struct jit_code *c, const struct jit_buf *b, const struct jit_target *t,
		struct err *e)
{
	c->page = (size_t)sysconf(_SC_PAGESIZE);
	c->mapped = (size_t)round_up(c->size, c->page) + 2 * c->page;
	c->map = mmap(NULL, c->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->map == MAP_FAILED) {
		c->map = NULL;
		return err_set(e, -errno, "jit", "No memory for %u bytes of code: %s.", c->size,
			       strerror(errno));
	}
	if (mprotect(c->map + c->page, c->mapped - 2 * c->page, PROT_READ | PROT_WRITE) == 0) {
		jit_buf_write(b, t, c->map + c->page);
		__builtin___clear_cache((char *)c->map + c->page,
					(char *)c->map + c->page + c->size);
		if (mprotect(c->map + c->page, c->mapped - 2 * c->page, PROT_READ | PROT_EXEC) == 0)
			return 0;
	}
	return err_set(e, -errno, "jit",
		       "This system does not let memory be made executable: %s. Run the program in "
		       "the interpreter.",
		       strerror(errno));
}

static int make(struct jit_code *c, struct arena *a, const struct vm_prog *p,
		const struct jit_options *o, u64 key, struct err *e)
{
	struct jit_buf b;
	u32 label;
	s64 r = translate(host(o), a, p, o, key, &b, &label, e);

	if (r < 0)
		return (int)r;
	c->size = (u32)r;
	c->tail_entry = jit_buf_place(&b, label);
	return seal(c, &b, host(o), e);
}

/* Between arena_new() and here, lack of memory comes as a jump. */
static int guarded(struct jit_code *c, const struct vm_prog *p, const struct jit_options *o,
		   u64 key, struct err *e)
{
	struct trap trap = { .line = 0 };
	struct arena *volatile a = NULL;
	volatile int r;

#ifdef SKEP_DEBUG
	trap.fail_in = o ? o->fail_in : 0;
#endif
	if (setjmp(trap.env) == 0) {
		a = arena_new(&trap);
		r = make(c, a, p, o, key, e);
	} else if (trap.file) {
		r = err_set(e, -SKEP_EINTERNAL, "jit", "%s", trap.what);
	} else {
		r = err_set(e, -ENOMEM, "jit", "Out of memory.");
	}
	arena_free(a);
	return r;
}

int jit_compile(const struct vm_prog *p, const struct jit_options *o, struct jit_code **out,
		struct err *e)
{
	struct jit_code *c;
	u64 key = 0;
	int r;

	*out = NULL;
	if (!host(o))
		return err_set(e, -SKEP_EUNSUPPORTED, "jit",
			       "There is no JIT for this machine; programs run in the "
			       "interpreter.");
	if (o && o->blind_constants && getrandom(&key, sizeof(key), 0) != sizeof(key))
		return err_set(e, -EIO, "jit", "The system gives no random numbers.");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, -ENOMEM, "jit", "Out of memory.");
	r = guarded(c, p, o, key, e);
	c->prog = p;
	c->counts = o && o->with_budget;
	if (r < 0)
		jit_free(c);
	else
		*out = c;
	return r;
}

jit_fn jit_entry(const struct jit_code *c)
{
	return (jit_fn)(uintptr_t)(c->map + c->page);
}

u32 jit_size(const struct jit_code *c)
{
	return c->size;
}

static void *tail_entry(const struct jit_code *c)
{
	return c->map + c->page + c->tail_entry;
}

void jit_publish(struct jit_code *c)
{
	vm_prog_set_native(c->prog, c->counts, tail_entry(c));
}

void jit_free(struct jit_code *c)
{
	if (!c)
		return;
	if (c->map && vm_prog_native(c->prog, c->counts) == tail_entry(c))
		vm_prog_set_native(c->prog, c->counts, NULL);
	if (c->map)
		munmap(c->map, c->mapped);
	free(c);
}

int jit_compile_for(const char *target, struct arena *a, const struct vm_prog *p,
		    const struct jit_options *o, str *out_code, struct err *e)
{
	static const struct jit_target *const targets[] = { &jit_x86_64, &jit_arm64 };
	const struct jit_target *t = NULL;
	struct jit_buf b;
	char *text;
	u32 label;
	s64 r;

	for (u32 i = 0; i < ARRAY_LEN(targets); i++)
		if (strcmp(targets[i]->name, target) == 0)
			t = targets[i];
	if (!t)
		return err_set(e, -SKEP_EUNSUPPORTED, "jit",
			       "There is no JIT for \"%s\"; there are x86-64 and arm64.", target);
	r = translate(t, a, p, o, 0x9e3779b97f4a7c15, &b, &label, e);
	if (r < 0)
		return (int)r;
	text = arena_alloc(a, (size_t)r);
	jit_buf_write(&b, t, (u8 *)text);
	*out_code = (str){ text, (u32)r };
	return 0;
}
