/* syscalls: names and numbers of system calls, and the kernel's functions behind them.
 *
 * The table of the architecture is sorted by number (syscalls_*.def, made by scripts/gen-syscalls).
 * A call has up to two names: the one of its number (stat) and the one of its function (newstat, as
 * in __x64_sys_newstat and tracepoint:syscalls:sys_enter_newstat). Both find it.
 *
 * Since Linux 4.17 (x86-64) and 4.19 (arm64) that function takes one pointer to struct pt_regs and
 * its name carries the architecture.
 */
#include "probes/room.h"

#if defined(__x86_64__)
#define TABLE	"probes/syscalls_x86_64.def"
#define WRAPPER "__x64_sys_"
#elif defined(__aarch64__)
#define TABLE	"probes/syscalls_arm64.def"
#define WRAPPER "__arm64_sys_"
#else
#error "skep runs on x86-64 and arm64"
#endif

static const struct call {
	u32 nr;
	const char *name, *function;
} calls[] = {
#define SYSCALL(nr, name, function) { nr, name, function },
#include TABLE
#undef SYSCALL
};

static const struct call *find_call(str name)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(calls); i++)
		if (str_is(name, calls[i].name))
			return &calls[i];
	for (i = 0; i < ARRAY_LEN(calls); i++)
		if (str_is(name, calls[i].function))
			return &calls[i];
	return NULL;
}

int probes_syscall_nr(str name)
{
	const struct call *c = find_call(name);

	return c ? (int)c->nr : -1;
}

const char *probes_syscall_name(u32 nr)
{
	u32 lo = 0, hi = ARRAY_LEN(calls), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (calls[mid].nr == nr)
			return calls[mid].name;
		if (calls[mid].nr < nr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

u32 probes_syscall_limit(void)
{
	return calls[ARRAY_LEN(calls) - 1].nr + 1;
}

str probes_syscall_symbol(struct probes_machine *m, struct arena *a, str name)
{
	const struct call *c = find_call(name);
	str function = c ? str_of(c->function) : name;

	return str_printf(a, "%s" STR_FMT,
			  probes_has(m, PROBES_HAS_SYSCALL_WRAPPER) ? WRAPPER : "sys_",
			  STR_ARG(function));
}

str probes_syscall_of_symbol(str symbol)
{
	static const char *const prefixes[] = {
		"__x64_sys_", "__arm64_sys_", "__riscv_sys_", "__s390x_sys_", "sys_", "SyS_",
	};
	const struct call *c;
	u32 i, n;

	for (i = 0; i < ARRAY_LEN(prefixes); i++) {
		n = str_of(prefixes[i]).n;
		if (!str_starts(symbol, prefixes[i]))
			continue;
		c = find_call(str_sub(symbol, n, symbol.n - n));
		return c ? str_of(c->name) : STR("");
	}
	return STR("");
}
