/* builtin: formats of tracepoints for those who may not read tracefs.
 *
 * An ordinary user cannot read tracefs, and containers do not have it; what the user engine delivers
 * must have a layout all the same. Here are the events that it has: system calls with the names of
 * their arguments (syscall_args.def), process life and signals, as the text of a format file, which
 * format.c then reads like any other. System calls have the kernel's own layout, which has been the
 * same always; the others have that of Linux 6.1. The id is 0: the kernel knows nothing of these.
 */
#include "probes/room.h"

static const struct args {
	const char *call, *list;
} args[] = {
#define ARGS(call, list) { call, list },
#include "probes/syscall_args.def"
#undef ARGS
};

static const struct fixed {
	const char *category, *event, *fields;
} fixed[] = {
	{ "raw_syscalls", "sys_enter",
	  "field:long id; offset:8; size:8; signed:1;\n"
	  "field:unsigned long args[6]; offset:16; size:48; signed:0;\n" },
	{ "raw_syscalls", "sys_exit",
	  "field:long id; offset:8; size:8; signed:1;\n"
	  "field:long ret; offset:16; size:8; signed:1;\n" },
	{ "sched", "sched_process_fork",
	  "field:char parent_comm[16]; offset:8; size:16; signed:0;\n"
	  "field:pid_t parent_pid; offset:24; size:4; signed:1;\n"
	  "field:char child_comm[16]; offset:28; size:16; signed:0;\n"
	  "field:pid_t child_pid; offset:44; size:4; signed:1;\n" },
	{ "sched", "sched_process_exec",
	  "field:__data_loc char[] filename; offset:8; size:4; signed:0;\n"
	  "field:pid_t pid; offset:12; size:4; signed:1;\n"
	  "field:pid_t old_pid; offset:16; size:4; signed:1;\n" },
	{ "sched", "sched_process_exit",
	  "field:char comm[16]; offset:8; size:16; signed:0;\n"
	  "field:pid_t pid; offset:24; size:4; signed:1;\n"
	  "field:int prio; offset:28; size:4; signed:1;\n" },
	{ "signal", "signal_deliver",
	  "field:int sig; offset:8; size:4; signed:1;\n"
	  "field:int errno; offset:12; size:4; signed:1;\n"
	  "field:int code; offset:16; size:4; signed:1;\n"
	  "field:unsigned long sa_handler; offset:24; size:8; signed:0;\n"
	  "field:unsigned long sa_flags; offset:32; size:8; signed:0;\n" },
};

static const struct args *args_of(str event)
{
	str call;
	int nr;

	if (!str_starts(event, "sys_enter_") && !str_starts(event, "sys_exit_"))
		return NULL;
	call = str_sub(event, str_starts(event, "sys_enter_") ? 10 : 9, event.n);
	for (u32 i = 0; i < ARRAY_LEN(args); i++)
		if (str_is(call, args[i].call))
			return &args[i];
	/* "stat" for "newstat", as with the kernel's own names of functions. */
	nr = probes_syscall_nr(call);
	for (u32 i = 0; nr >= 0 && i < ARRAY_LEN(args); i++)
		if (probes_syscall_nr(str_of(args[i].call)) == nr)
			return &args[i];
	return NULL;
}

static void call_fields(struct sbuf *b, str event, const struct args *call)
{
	str rest = str_of(call->list);
	u32 off = 16;

	sbuf_puts(b, "field:int __syscall_nr; offset:8; size:4; signed:1;\n");
	if (str_starts(event, "sys_exit_")) {
		sbuf_puts(b, "field:long ret; offset:16; size:8; signed:1;\n");
		return;
	}
	for (; rest.n; off += 8) {
		str decl = str_trim(str_cut(&rest, ';'));

		sbuf_printf(b, "field:" STR_FMT "; offset:%u; size:8; signed:0;\n", STR_ARG(decl),
			    off);
	}
}

bool probes_builtin_format(struct arena *a, str category, str event, struct probes_format *out)
{
	const struct args *call = str_is(category, "syscalls") ? args_of(event) : NULL;
	struct sbuf b;

	sbuf_init(&b, a);
	sbuf_puts(&b, "ID: 0\nformat:\n");
	if (call)
		call_fields(&b, event, call);
	for (u32 i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_is(category, fixed[i].category) && str_is(event, fixed[i].event)) {
			sbuf_puts(&b, fixed[i].fields);
			return probes_parse_format(a, sbuf_str(&b), out, NULL) == 0;
		}
	return call && probes_parse_format(a, sbuf_str(&b), out, NULL) == 0;
}

u32 probes_builtin_list(struct arena *a, bool (*offer)(void *arg, str category, str event),
			void *arg)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_LEN(fixed); i++)
		n += offer(arg, str_of(fixed[i].category), str_of(fixed[i].event));
	for (u32 i = 0; i < ARRAY_LEN(args); i++)
		n += offer(arg, STR("syscalls"), str_printf(a, "sys_enter_%s", args[i].call));
	for (u32 i = 0; i < ARRAY_LEN(args); i++)
		n += offer(arg, STR("syscalls"), str_printf(a, "sys_exit_%s", args[i].call));
	return n;
}
