/* type_func: functions that give a value, and those that the compiler itself answers.
 *
 * kaddr(), cgroupid(), pton(), is_ptr() and their like become constants here, once the types are
 * settled: what they ask (symbols of the kernel, a folder's inode) is asked of this machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btfront/ast.h"

enum { STACK_MAX = 127, BUF_OLD = 64, BUF_MAX = 8192 };

static struct bt_type of_kind(enum bt_kind k)
{
	return (struct bt_type){ .kind = k };
}

static void constant(struct bt_expr *e, u64 value)
{
	struct bt_type t = bt_int(8, false);

	e->kind = EX_INT;
	e->value = value;
	e->is_negative = false;
	t.is_literal = (s64)value >= 0;
	e->type = t;
}

/* ---- strings and buffers --------------------------------------------------------------------- */

static void type_str(struct bt_typer *t, struct bt_expr *e)
{
	u32 limit = bt_strlen(t->u);
	struct bt_expr *x = e->args[0];
	s64 n;

	e->type = bt_string(limit);
	bt_type_expr(t, x);
	if (x->kind == EX_INT && x->is_param && !x->value && e->n_args == 1) {
		x->kind = EX_STR; /* str($1) of a parameter that was not given */
		x->name = STR("");
		bt_type_expr(t, x);
	} else if (x->kind == EX_INT && x->is_param) {
		x->kind = EX_STR;
		bt_type_expr(t, x);
	}
	if (x->type.kind == BT_STRING) {
		e->type = x->type; /* str($1), str(args.comm) */
	} else if (x->type.kind != BT_ARRAY && !bt_want_number(t, e, 0)) {
		return;
	}
	if (e->n_args == 1 || !bt_want_number(t, e, 1))
		return;
	if (bt_const_value(e->args[1], &n) && n >= 0 && n < e->type.size)
		e->type = bt_string((u32)n + 1);
}

/* buf(address, length), buf(array) */
static void type_buf(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];
	u32 n = t->u->config.is_old ? BUF_OLD : bt_strlen(t->u);
	s64 v;

	bt_type_expr(t, x);
	if (bt_is_open(x)) {
		e->type = x->type;
		return;
	}
	if (x->type.kind == BT_ARRAY) {
		n = (u32)ty_strip(x->type.c)->size;
	} else if (x->type.kind == BT_STRING) {
		n = x->type.size;
	} else if (!bt_is_number(&x->type)) {
		bt_error(t, x, E_BT_CALL, "buf() wants an address or an array, this is %s",
			 bt_type_name(&x->type));
		return;
	}
	if (e->n_args == 2) {
		if (!bt_want_number(t, e, 1))
			return;
		if (bt_const_value(e->args[1], &v) && v >= 0 && v <= BUF_MAX)
			n = (u32)v;
	} else if (bt_is_number(&x->type)) {
		bt_error(t, e, E_BT_CALL, "buf() wants a length behind an address");
		return;
	}
	if (n > BUF_MAX)
		n = BUF_MAX;
	e->type = of_kind(BT_BUFFER);
	e->type.size = 8 + (u32)round_up(n, 8);
}

static bool want_string(struct bt_typer *t, struct bt_expr *e, u32 i)
{
	struct bt_expr *x = e->args[i];

	bt_type_expr(t, x);
	if (bt_is_open(x))
		return false;
	if (x->type.kind == BT_STRING)
		return true;
	bt_error(t, x, E_BT_CALL, STR_FMT "() wants a string here, this is %s", STR_ARG(e->name),
		 bt_type_name(&x->type));
	return false;
}

static void type_strncmp(struct bt_typer *t, struct bt_expr *e)
{
	s64 n;

	e->type = bt_int(8, false);
	want_string(t, e, 0);
	want_string(t, e, 1);
	bt_type_expr(t, e->args[2]);
	if (!bt_const_value(e->args[2], &n) || n < 0)
		bt_error(t, e->args[2], E_BT_CALL, "strncmp() wants a constant here");
}

static void type_strcontains(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_bool(t->u);
	want_string(t, e, 0);
	want_string(t, e, 1);
}

/* ---- addresses, symbols, stacks --------------------------------------------------------------- */

static void type_space(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(8, false);
	if (!bt_want_number(t, e, 0))
		return;
	e->type = e->args[0]->type;
	e->type.is_literal = false;
	e->type.region = e->builtin->id == F_UPTR ? IR_IN_USER : IR_IN_KERNEL;
}

static void type_symbol(struct bt_typer *t, struct bt_expr *e)
{
	if (bt_want_number(t, e, 0))
		e->type = of_kind(e->builtin->id == F_KSYM ? BT_KSYM : BT_USYM);
	else
		e->type = of_kind(BT_BAD);
}

static bool is_mode(str x)
{
	return str_is(x, "bpftrace") || str_is(x, "perf") || str_is(x, "raw");
}

/* kstack(), kstack(mode), kstack(n), kstack(mode, n) */
static void type_stack(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_type x = of_kind(e->builtin->id == F_USTACK ? BT_USTACK : BT_KSTACK);
	s64 n = STACK_MAX;

	x.extra = t->u->config.stack_mode;
	if (t->loops)
		bt_error(t, e, E_CTX, "%s() cannot be used in a loop over a map", e->builtin->name);
	for (u32 i = 0; i < e->n_args; i++) {
		struct bt_expr *a = e->args[i];

		if (a->kind == EX_NAME && is_mode(a->name)) {
			x.extra = a->name;
			continue;
		}
		bt_type_expr(t, a);
		if (!bt_const_value(a, &n) || n < 1 || n > STACK_MAX) {
			bt_error(t, a, E_BT_CALL,
				 "%s() wants bpftrace, perf or raw, or a number of frames from 1 "
				 "to 127",
				 e->builtin->name);
			return;
		}
	}
	x.size = (u32)n;
	e->type = x;
}

/* The line of /proc/kallsyms that ends in this name. */
static u64 kernel_address(str name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256];
	unsigned long long at, found = 0;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", &at, symbol) == 2 && str_is(name, symbol))
			found = at;
	if (f)
		fclose(f);
	return found;
}

static void type_kaddr(struct bt_typer *t, struct bt_expr *e)
{
	u64 at;

	e->type = bt_int(8, false);
	e->type.region = IR_IN_KERNEL;
	if (!bt_want_literal(t, e, 0))
		e->type = of_kind(BT_BAD);
	if (e->type.kind == BT_BAD || !t->report)
		return;
	at = kernel_address(e->args[0]->name);
	if (!at) {
		bt_error(t, e, E_BT_NAME,
			 "the kernel has no symbol '" STR_FMT "' in /proc/kallsyms",
			 STR_ARG(e->args[0]->name));
		bt_hint(t, "reading addresses needs root, and kernel.kptr_restrict below 2");
		return;
	}
	constant(e, at);
	e->type.region = IR_IN_KERNEL;
}

/* ---- the network ----------------------------------------------------------------------------- */

/* ntop(address), ntop(family, address): an address is a number, or an array of 4 or 16 bytes. */
static void type_ntop(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[e->n_args - 1];

	if (e->n_args == 2 && !bt_want_number(t, e, 0))
		return;
	bt_type_expr(t, x);
	if (bt_is_open(x)) {
		e->type = x->type;
		return;
	}
	e->type = of_kind(BT_INET);
	if (x->type.kind == BT_INT)
		return;
	if (x->type.kind != BT_ARRAY ||
	    (ty_strip(x->type.c)->size != 4 && ty_strip(x->type.c)->size != 16))
		bt_error(t, x, E_BT_CALL,
			 "ntop() wants a number or an array of 4 or 16 bytes, this is %s",
			 bt_type_name(&x->type));
}

/* The constant becomes the array that it spells: its bytes stand in `bytes`. */
static void type_pton(struct bt_typer *t, struct bt_expr *e)
{
	struct ty_table *types = t->u->o.types;
	const char *text;
	u8 bytes[16];
	u32 n;

	if (!bt_want_literal(t, e, 0)) {
		e->type = of_kind(BT_BAD);
		return;
	}
	text = str_z(t->a, e->args[0]->name);
	n = inet_pton(AF_INET, text, bytes) == 1    ? 4
	    : inet_pton(AF_INET6, text, bytes) == 1 ? 16
						    : 0;
	if (!n) {
		bt_error(t, e->args[0], E_BT_CALL, "'%s' is no internet address", text);
		e->type = of_kind(BT_BAD);
		return;
	}
	e->bytes = str_dup(t->a, (str){ (const char *)bytes, n });
	e->type = of_kind(BT_ARRAY);
	e->type.c = ty_array_of(types, ty_int_of(types, 1, false), n);
	e->type.region = IR_IN_STACK;
}

static void type_macaddr(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	bt_type_expr(t, x);
	e->type = of_kind(BT_MAC);
	if (bt_is_open(x))
		e->type = x->type;
	else if (!bt_is_number(&x->type) && x->type.kind != BT_ARRAY && x->type.kind != BT_STRING)
		bt_error(t, x, E_BT_CALL, "macaddr() wants an array of 6 bytes or their address");
}

static void type_bswap(struct bt_typer *t, struct bt_expr *e)
{
	if (!bt_want_number(t, e, 0)) {
		e->type = of_kind(BT_BAD);
		return;
	}
	e->type = bt_int(e->args[0]->type.is_literal ? 8 : e->args[0]->type.bytes, false);
}

/* ---- the machine ----------------------------------------------------------------------------- */

bool bt_has_registers(enum probes_provider p)
{
	return p == PROBES_KPROBE || p == PROBES_KRETPROBE || p == PROBES_UPROBE ||
	       p == PROBES_URETPROBE || p == PROBES_USDT || p == PROBES_PROFILE ||
	       p == PROBES_SOFTWARE || p == PROBES_HARDWARE || p == PROBES_KSYSCALL ||
	       p == PROBES_KRETSYSCALL;
}

static void type_reg(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(8, false);
	e->type.region = IR_IN_ANY;
	if (!bt_want_literal(t, e, 0))
		return;
	if (bt_register_offset(e->args[0]->name) < 0)
		bt_error(t, e->args[0], E_BT_CALL, "this machine has no register '" STR_FMT "'",
			 STR_ARG(e->args[0]->name));
	else if (bt_unfit(t, bt_has_registers) || t->loops)
		bt_error(t, e, E_CTX, "reg() is there at kprobe, uprobe, profile and their like");
}

static void type_cgroupid(struct bt_typer *t, struct bt_expr *e)
{
	u8 raw[sizeof(struct file_handle) + 8] = { 0 };
	struct file_handle *h = (struct file_handle *)raw;
	const char *path;
	int mount;
	u64 id;

	e->type = bt_int(8, false);
	if (!bt_want_literal(t, e, 0) || !t->report)
		return;
	path = str_z(t->a, e->args[0]->name);
	h->handle_bytes = 8;
	if (name_to_handle_at(AT_FDCWD, path, h, &mount, 0)) {
		bt_error(t, e->args[0], E_BT_CALL, "'%s' is no cgroup: %s", path, strerror(errno));
		return;
	}
	memcpy(&id, h->f_handle, sizeof(id));
	constant(e, id);
}

static void type_strftime(struct bt_typer *t, struct bt_expr *e)
{
	if (!bt_want_literal(t, e, 0) || !bt_want_number(t, e, 1)) {
		e->type = of_kind(BT_BAD);
		return;
	}
	e->type = of_kind(BT_TIMESTAMP);
	e->type.extra = e->args[0]->name;
}

static void type_cgroup_path(struct bt_typer *t, struct bt_expr *e)
{
	e->type = of_kind(BT_CGROUP_PATH);
	if (!bt_want_number(t, e, 0) || (e->n_args == 2 && !bt_want_literal(t, e, 1)))
		e->type = of_kind(BT_BAD);
	else if (e->n_args == 2)
		e->type.extra = e->args[1]->name;
}

static void type_nsecs(struct bt_typer *t, struct bt_expr *e)
{
	static const char *const clocks[] = { "boot", "monotonic", "tai", "sw_tai" };

	e->type = bt_int(8, false);
	if (!e->n_args)
		return;
	for (e->value = 0; e->value < ARRAY_LEN(clocks); e->value++)
		if (e->args[0]->kind == EX_NAME && str_is(e->args[0]->name, clocks[e->value]))
			break;
	if (e->value == ARRAY_LEN(clocks))
		bt_error(t, e->args[0], E_BT_CALL, "nsecs() wants boot, monotonic or tai");
	else if (e->value == 3)
		bt_error(t, e->args[0], E_BT_NOT_YET, "nsecs(sw_tai) is not compiled yet");
}

static const struct {
	const char *name;
	int nr;
} signals[] = {
	{ "HUP", SIGHUP },	 { "INT", SIGINT },   { "QUIT", SIGQUIT },   { "ILL", SIGILL },
	{ "TRAP", SIGTRAP },	 { "ABRT", SIGABRT }, { "BUS", SIGBUS },     { "FPE", SIGFPE },
	{ "KILL", SIGKILL },	 { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV },   { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },	 { "ALRM", SIGALRM }, { "TERM", SIGTERM },   { "CHLD", SIGCHLD },
	{ "CONT", SIGCONT },	 { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },   { "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU },	 { "URG", SIGURG },   { "XCPU", SIGXCPU },   { "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH }, { "IO", SIGIO },
	{ "PWR", SIGPWR },	 { "SYS", SIGSYS },
};

static void type_signal(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];
	str name = x->name;

	if (x->kind == EX_STR) {
		if (str_starts(name, "SIG"))
			name = str_sub(name, 3, name.n);
		for (u32 i = 0; i < ARRAY_LEN(signals); i++)
			if (str_is(name, signals[i].name))
				constant(x, (u64)signals[i].nr);
		if (x->kind == EX_STR)
			bt_error(t, x, E_BT_CALL, "there is no signal '" STR_FMT "'",
				 STR_ARG(x->name));
		return;
	}
	bt_want_number(t, e, 0);
}

/* ---- answers at once -------------------------------------------------------------------------- */

static void type_question(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];
	enum bt_kind k;
	bool yes;

	bt_type_expr(t, x);
	k = x->type.kind;
	if (bt_is_open(x)) {
		e->type = x->type;
		return;
	}
	switch (e->builtin->id) {
	case F_IS_ARRAY: yes = k == BT_ARRAY; break;
	case F_IS_INTEGER: yes = k == BT_INT && !x->type.is_bool; break;
	case F_IS_UNSIGNED:
		yes = k == BT_INT && !x->type.is_bool && !x->type.is_signed && !x->type.is_literal;
		break;
	case F_IS_LITERAL: yes = x->kind == EX_INT || x->kind == EX_STR; break;
	case F_IS_PTR: yes = k == BT_PTR; break;
	default: yes = k == BT_STRING; break;
	}
	e->type = bt_bool(t->u);
	if (!t->report)
		return;
	constant(e, yes);
	e->is_bool = true;
	e->type = bt_bool(t->u);
}

static void type_static_assert(struct bt_typer *t, struct bt_expr *e)
{
	s64 v;

	bt_type_expr(t, e->args[0]);
	bt_want_literal(t, e, 1);
	if (!t->report || bt_is_open(e->args[0]))
		return;
	if (!bt_const_value(e->args[0], &v))
		bt_error(t, e->args[0], E_BT_CALL, "static_assert() wants a constant here");
	else if (!v)
		bt_error(t, e, E_BT_CALL, STR_FMT, STR_ARG(e->args[1]->name));
}

static void type_len(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->a) {
		if (!x->map->is_assigned)
			bt_error(t, x, E_BT_NAME, "nothing is ever assigned to map " STR_FMT,
				 STR_ARG(x->name));
		else
			bt_error(t, e, E_BT_NOT_YET, "len() of a map is not compiled yet");
		return;
	}
	bt_type_expr(t, x);
	e->type = bt_int(8, false);
	if (bt_is_open(x))
		e->type = x->type;
	else if (x->type.kind == BT_ARRAY)
		constant(e, ty_strip(x->type.c)->count);
	else if (x->type.kind == BT_TUPLE)
		constant(e, x->type.tuple->n);
	else if (x->type.kind != BT_STRING)
		bt_error(t, e, E_BT_NOT_YET, "len() of %s is not compiled yet",
			 bt_type_name(&x->type));
}

static void type_strcap(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(8, false);
	if (want_string(t, e, 0) && t->report)
		constant(e, e->args[0]->type.size);
}

/* --NAME=VALUE or --NAME among the script's parameters: its value ("" without one); false: not given. */
static bool find_option(const struct bt_options *o, str name, str *out)
{
	for (u32 i = 0; i < o->n_params; i++) {
		str p = o->params[i], head;

		if (!str_starts(p, "--"))
			continue;
		p = str_sub(p, 2, p.n);
		head = str_cut(&p, '=');
		if (!str_eq(head, name))
			continue;
		*out = p;
		return true;
	}
	return false;
}

static void option_value(struct bt_typer *t, struct bt_expr *e, const struct bt_expr *fallback,
			 str value)
{
	bool is_bool = !fallback || fallback->is_bool;
	s64 n;

	if (fallback && fallback->kind == EX_STR) {
		e->kind = EX_STR;
		e->name = value;
	} else if (is_bool && (!value.n || str_is(value, "true") || str_is(value, "false"))) {
		constant(e, !str_is(value, "false"));
		e->is_bool = true;
	} else if (!is_bool && str_to_s64(value, &n)) {
		constant(e, (u64)n);
		e->is_negative = n < 0;
	} else {
		bt_error(t, e, E_BT_CALL, "--" STR_FMT " wants %s, here it is '" STR_FMT "'",
			 STR_ARG(e->args[0]->name), is_bool ? "true or false" : "a number",
			 STR_ARG(value));
		return;
	}
	bt_type_expr(t, e);
}

/* getopt(name [, default [, what it is for]]): the call becomes the constant. */
static void type_getopt(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *fallback = e->n_args > 1 ? e->args[1] : NULL;
	str value;

	if (!bt_want_literal(t, e, 0) || (e->n_args == 3 && !bt_want_literal(t, e, 2)))
		return;
	if (fallback)
		bt_type_expr(t, fallback);
	if (fallback && fallback->kind != EX_INT && fallback->kind != EX_STR) {
		bt_error(t, fallback, E_BT_CALL, "getopt() wants a constant as its default");
		return;
	}
	if (find_option(&t->u->o, e->args[0]->name, &value)) {
		option_value(t, e, fallback, value);
		return;
	}
	if (!fallback) {
		constant(e, 0);
		e->is_bool = true;
	} else {
		e->kind = fallback->kind;
		e->value = fallback->value;
		e->name = fallback->name;
		e->is_bool = fallback->is_bool;
		e->is_negative = fallback->is_negative;
	}
	bt_type_expr(t, e);
}

bool bt_type_function(struct bt_typer *t, struct bt_expr *e)
{
	switch (e->builtin->id) {
	case F_STR: type_str(t, e); break;
	case F_BUF: type_buf(t, e); break;
	case F_STRNCMP: type_strncmp(t, e); break;
	case F_STRCONTAINS: type_strcontains(t, e); break;
	case F_STRLEN:
		e->type = bt_int(8, false);
		want_string(t, e, 0);
		break;
	case F_LEN: type_len(t, e); break;
	case F_STRCAP: type_strcap(t, e); break;
	case F_DEFAULT_STRLEN: constant(e, bt_strlen(t->u)); break;
	case F_STRERROR:
	case F_SYSCALL_NAME:
		e->type =
			of_kind(bt_want_number(t, e, 0)
					? (e->builtin->id == F_STRERROR ? BT_STRERROR : BT_SYSCALL)
					: BT_BAD);
		break;
	case F_KPTR:
	case F_UPTR: type_space(t, e); break;
	case F_KSYM:
	case F_USYM: type_symbol(t, e); break;
	case F_KADDR: type_kaddr(t, e); break;
	case F_KSTACK:
	case F_USTACK: type_stack(t, e); break;
	case F_NTOP: type_ntop(t, e); break;
	case F_PTON: type_pton(t, e); break;
	case F_MACADDR: type_macaddr(t, e); break;
	case F_BSWAP: type_bswap(t, e); break;
	case F_REG: type_reg(t, e); break;
	case F_CGROUPID: type_cgroupid(t, e); break;
	case F_CGROUP_PATH: type_cgroup_path(t, e); break;
	case F_STRFTIME: type_strftime(t, e); break;
	case F_NSECS: type_nsecs(t, e); break;
	case F_SIGNAL:
	case F_SIGNAL_THREAD: type_signal(t, e); break;
	case F_OVERRIDE: bt_want_number(t, e, 0); break;
	case F_IS_ARRAY:
	case F_IS_INTEGER:
	case F_IS_LITERAL:
	case F_IS_PTR:
	case F_IS_STR:
	case F_IS_UNSIGNED: type_question(t, e); break;
	case F_STATIC_ASSERT: type_static_assert(t, e); break;
	case F_GETOPT: type_getopt(t, e); break;
	default: return false;
	}
	return true;
}
