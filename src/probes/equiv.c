/* equiv: system calls that stand for functions of the kernel.
 *
 * An inner function (do_sys_openat2) has a row for each call that comes through it (equiv.def); a function that
 * takes a call's arguments as they are (__do_sys_openat) needs none. Rows of calls that this architecture lacks are
 * skipped. Used where no function of the kernel can be probed: on kernels without kprobes, and in user space.
 */
#include "probes/room.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

/* clone(2) takes the child's tid pointer last but one on x86-64 and last on arm64. */
#ifdef __x86_64__
#define CLONE_CHILD_TID 3
#else
#define CLONE_CHILD_TID 4
#endif
#define U    PROBES_ARG_NONE
#define K(x) (PROBES_ARG_CONST + (x))

static const struct equiv {
	const char *function, *call;
	s32 args[6];
} equivs[] = {
#define EQUIV(function, call, ...) { function, call, { __VA_ARGS__ } },
#include "probes/equiv.def"
#undef EQUIV
};

#undef U
#undef K

/* Functions that take the call's arguments as they are: __do_sys_openat, __se_sys_openat. */
static str direct_call_of(str name)
{
	static const char *const prefixes[] = { "__do_sys_", "__se_sys_" };

	for (u32 i = 0; i < ARRAY_LEN(prefixes); i++) {
		u32 n = str_of(prefixes[i]).n;

		if (str_starts(name, prefixes[i]) &&
		    probes_syscall_nr(str_sub(name, n, name.n - n)) >= 0)
			return str_sub(name, n, name.n - n);
	}
	return STR("");
}

static struct probes_call *add_call(struct arena *a, struct probes_binding *b, int nr)
{
	struct probes_call *c = vec_push(a, &b->calls);

	c->nr = (u32)nr;
	for (u32 i = 0; i < ARRAY_LEN(c->args); i++)
		c->args[i] = PROBES_ARG_NONE;
	return c;
}

bool probes_equivalent_calls(struct arena *a, str function, struct probes_binding *out)
{
	str direct = direct_call_of(function);
	struct probes_call *c;

	if (direct.n) {
		c = add_call(a, out, probes_syscall_nr(direct));
		for (s32 i = 0; i < 6; i++)
			c->args[i] = i;
		return true;
	}
	for (u32 i = 0; i < ARRAY_LEN(equivs); i++) {
		int nr = probes_syscall_nr(str_of(equivs[i].call));

		if (nr < 0 || !str_is(function, equivs[i].function))
			continue;
		c = add_call(a, out, nr);
		memcpy(c->args, equivs[i].args, sizeof(c->args));
	}
	return out->calls.n > 0;
}

void probes_equivalent_offer(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(equivs); i++)
		nearest_offer(near, str_of(equivs[i].function));
}

bool probes_has_equivalent(str function)
{
	for (u32 i = 0; i < ARRAY_LEN(equivs); i++)
		if (str_is(function, equivs[i].function))
			return true;
	return false;
}
