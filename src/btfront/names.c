/* names: builtins and functions of the language.
 *
 * Every name that bpftrace has stands here, also those that skep does not compile yet, so that a
 * misspelt name and a missing feature are told apart. Columns of functions: least and most
 * arguments.
 */
#include "btfront/ast.h"

static const struct bt_name builtins[] = {
	{ "args", N_ARGS, 0, 0 },
	{ "cgroup", N_CGROUP, 0, 0 },
	{ "comm", N_COMM, 0, 0 },
	{ "cpid", N_NOT_YET, 0, 0 },
	{ "cpu", N_CPU, 0, 0 },
	{ "ctx", N_CTX, 0, 0 },
	{ "curtask", N_CURTASK, 0, 0 },
	{ "elapsed", N_ELAPSED, 0, 0 },
	{ "false", N_NOT_YET, 0, 0 },
	{ "func", N_FUNC, 0, 0 },
	{ "gid", N_GID, 0, 0 },
	{ "jiffies", N_NOT_YET, 0, 0 },
	{ "kstack", N_NOT_YET, 0, 0 },
	{ "leader_comm", N_NOT_YET, 0, 0 },
	{ "leader_tid", N_NOT_YET, 0, 0 },
	{ "ncpus", N_NOT_YET, 0, 0 },
	{ "nsecs", N_NSECS, 0, 0 },
	{ "numaid", N_NUMA, 0, 0 },
	{ "pcomm", N_NOT_YET, 0, 0 },
	{ "pid", N_PID, 0, 0 },
	{ "ppid", N_NOT_YET, 0, 0 },
	{ "probe", N_PROBE, 0, 0 },
	{ "probetype", N_NOT_YET, 0, 0 },
	{ "rand", N_RAND, 0, 0 },
	{ "retval", N_RETVAL, 0, 0 },
	{ "tid", N_TID, 0, 0 },
	{ "true", N_NOT_YET, 0, 0 },
	{ "uid", N_UID, 0, 0 },
	{ "usermode", N_NOT_YET, 0, 0 },
	{ "username", N_NOT_YET, 0, 0 },
	{ "ustack", N_NOT_YET, 0, 0 },
};

static const struct bt_name functions[] = {
	{ "count", F_COUNT, 0, 0 },
	{ "sum", F_SUM, 1, 1 },
	{ "min", F_MIN, 1, 1 },
	{ "max", F_MAX, 1, 1 },
	{ "avg", F_AVG, 1, 1 },
	{ "stats", F_STATS, 1, 1 },
	{ "hist", F_HIST, 1, 1 },
	{ "lhist", F_LHIST, 4, 4 },
	{ "delete", F_DELETE, 1, 2 },
	{ "clear", F_CLEAR, 1, 1 },
	{ "zero", F_ZERO, 1, 1 },
	{ "printf", F_PRINTF, 1, 128 },
	{ "print", F_PRINT, 1, 3 },
	{ "exit", F_EXIT, 0, 1 },
	{ "str", F_STR, 1, 2 },
	{ "time", F_TIME, 0, 1 },
	{ "kptr", F_KPTR, 1, 1 },
	{ "uptr", F_UPTR, 1, 1 },
#define LATER(name)                                                                                \
	{                                                                                          \
#name, F_NOT_YET, 0, 255                                                           \
	}
	LATER(assert),
	LATER(assert_str),
	LATER(bswap),
	LATER(buf),
	LATER(cat),
	LATER(cgroup_path),
	LATER(cgroupid),
	LATER(config),
	LATER(container_of),
	LATER(debugf),
	LATER(default_str_length),
	LATER(dw_ustack),
	LATER(errorf),
	LATER(fail),
	LATER(find),
	LATER(getopt),
	LATER(has_cpid),
	LATER(has_key),
	LATER(is_array),
	LATER(is_err),
	LATER(is_integer),
	LATER(is_literal),
	LATER(is_ptr),
	LATER(is_str),
	LATER(is_unsigned_integer),
	LATER(join),
	LATER(kaddr),
	LATER(kfunc_allowed),
	LATER(kfunc_exist),
	LATER(kstack),
	LATER(ksym),
	LATER(len),
	LATER(macaddr),
	LATER(memcmp),
	LATER(nsecs),
	LATER(ntop),
	LATER(override),
	LATER(path),
	LATER(percpu_kaddr),
	LATER(pid),
	LATER(pton),
	LATER(reg),
	LATER(signal),
	LATER(signal_name),
	LATER(signal_thread),
	LATER(skboutput),
	LATER(socket_cookie),
	LATER(static_assert),
	LATER(str_concat),
	LATER(strcap),
	LATER(strcontains),
	LATER(strerror),
	LATER(strftime),
	LATER(strlen),
	LATER(strncmp),
	LATER(strstr),
	LATER(syscall_name),
	LATER(system),
	LATER(tid),
	LATER(tseries),
	LATER(uaddr),
	LATER(unwatch),
	LATER(usym),
	LATER(ustack),
	LATER(warnf),
	LATER(write_user),
#undef LATER
};

const struct bt_name *bt_builtin(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(builtins); i++)
		if (str_is(name, builtins[i].name))
			return &builtins[i];
	return NULL;
}

const struct bt_name *bt_function(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(functions); i++)
		if (str_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

void bt_offer_builtins(struct nearest *n)
{
	for (u32 i = 0; i < ARRAY_LEN(builtins); i++)
		nearest_offer(n, str_of(builtins[i].name));
}

void bt_offer_functions(struct nearest *n)
{
	for (u32 i = 0; i < ARRAY_LEN(functions); i++)
		nearest_offer(n, str_of(functions[i].name));
}

int bt_arg_number(str name)
{
	if (name.n != 4 || !str_starts(name, "arg") || name.s[3] < '0' || name.s[3] > '9')
		return -1;
	return name.s[3] - '0';
}
