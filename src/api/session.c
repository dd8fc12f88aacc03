/* session.c: the life of a session, its options, and the trap around every stage.
 *
 * Nothing here is global. Whatever may allocate is called through session_guarded(): where memory ends or a bug
 * of ours is met, control jumps back there; the session is then dead, says so, and can only be closed. Arenas
 * that were jumped over belong to the trap and go with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api/session.h"

enum { SOURCE_LIMIT = 64 << 20 };

double session_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

void session_begin(struct skep *s)
{
	memset(&s->err, 0, sizeof(s->err));
}

int session_guarded(struct skep *s, int (*body)(struct skep *s))
{
	if (s->dead)
		return err_set(&s->err, -SKEP_EINTERNAL, "api",
			       "this session ran out of memory or met an internal error before, "
			       "and cannot "
			       "go on");
	if (setjmp(s->trap.env) == 0)
		return body(s);
	s->dead = true;
	if (!s->trap.file)
		return err_set(&s->err, -ENOMEM, "api", "out of memory");
	return err_set(&s->err, -SKEP_EINTERNAL, "api",
		       "internal error at %s:%d: %s; please report this with the program",
		       s->trap.file, s->trap.line, s->trap.what);
}

void session_note(struct skep *s, const char *fmt, ...)
{
	struct arena_mark mark = arena_mark(s->a);
	struct sbuf text;
	va_list ap;

	if (!s->o.note)
		return;
	sbuf_init(&text, s->a);
	va_start(ap, fmt);
	sbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	s->o.note(s->o.note_arg, text.s);
	arena_release(s->a, mark);
}

struct ty_btf *session_btf(void *session)
{
	struct skep *s = session;
	struct err e = { 0 };

	if (s->btf || s->btf_failed)
		return s->btf;
	if (ty_btf_open(s->types, s->o.btf_path, &s->btf, &e)) {
		s->btf_failed = true;
		session_note(s, "no kernel types: %s", e.msg);
	}
	return s->btf;
}

/* ---- options -------------------------------------------------------------------------------- */

static const char *copy_text(struct skep *s, const char *x)
{
	return x ? arena_dup(s->a, x, strlen(x) + 1) : NULL;
}

static const char *const *copy_texts(struct skep *s, const char *const *list, size_t n)
{
	const char **copy = arena_array_of(s->a, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		copy[i] = copy_text(s, list[i]);
	return copy;
}

static size_t count_words(char *const *argv)
{
	size_t n = 0;

	while (argv && argv[n])
		n++;
	return n;
}

/* Larger structs of a newer caller are fine as long as what we do not know is zero. */
static bool known_size(const struct skep_options *o)
{
	const char *bytes = (const char *)o;

	if (o->sz < sizeof(o->sz) || o->sz > 4096)
		return false;
	for (size_t i = sizeof(*o); i < o->sz; i++)
		if (bytes[i])
			return false;
	return true;
}

static int take_options(struct skep *s, const struct skep_options *from)
{
	struct skep_options *o = &s->o;

	if (from && !known_size(from))
		return err_set(&s->err, -SKEP_WRONG_USE, "api",
			       "options of an unknown size: sz is %zu, "
			       "known are %zu bytes",
			       from->sz, sizeof(*from));
	memset(o, 0, sizeof(*o));
	if (!from)
		return 0;
	memcpy(o, from, from->sz < sizeof(*o) ? from->sz : sizeof(*o));
	o->sz = sizeof(*o);
	o->attach = copy_texts(s, o->attach, o->n_attach);
	o->defines = copy_texts(s, o->defines, o->n_defines);
	o->sets = copy_texts(s, o->sets, o->n_sets);
	o->include_dirs = copy_texts(s, o->include_dirs, o->n_include_dirs);
	o->map_formats = copy_texts(s, o->map_formats, o->n_map_formats);
	s->dx.no_warnings = o->no_warnings;
	s->dx.is_bpftrace = o->bpftrace_diagnostics;
	o->params = copy_texts(s, o->params, o->n_params);
	o->btf_path = copy_text(s, o->btf_path);
	o->program_type = copy_text(s, o->program_type);
	if (o->command)
		o->command = (char *const *)copy_texts(s, (const char *const *)o->command,
						       count_words(o->command));
	if (o->n_pids)
		o->pids = arena_dup(s->a, o->pids, o->n_pids * sizeof(*o->pids));
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static int fill(struct skep *s)
{
	s->a = arena_new(&s->trap);
	s->scratch = arena_new(&s->trap);
	sources_init(&s->ss, s->a);
	diags_init(&s->dx, s->a, &s->ss);
	s->types = ty_table_new(s->a);
	s->machine = probes_machine_new(s->a);
	return take_options(s, s->call);
}

struct skep *skep_open(const struct skep_options *o)
{
	struct skep *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->result.command_status = -1;
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->call = o;
	if (session_guarded(s, fill) == 0)
		return s;
	skep_close(s);
	return NULL;
}

void session_drop_engine(struct skep *s)
{
	void *self = s->engine_self;

	s->engine_self = NULL;
	/* Even where memory ends again, what comes behind this must be reached. */
	if (self && setjmp(s->trap.env) == 0)
		s->engine->close(self);
}

void skep_close(struct skep *s)
{
	if (!s)
		return;
	run_drop(s);
	session_drop_engine(s);
	program_free_all(s);
	rt_names_free(s->names);
	ty_btf_close(s->btf);
	if (s->machine)
		probes_machine_free(s->machine);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	arena_free_all(&s->trap);
	free(s->report);
	free(s);
}

static int set_options(struct skep *s)
{
	if (s->compiled)
		return err_set(&s->err, -SKEP_WRONG_USE, "api", "options come before compiling");
	return take_options(s, s->call);
}

int skep_set_options(struct skep *s, const struct skep_options *o)
{
	session_begin(s);
	s->call = o;
	return session_guarded(s, set_options);
}

/* ---- loading -------------------------------------------------------------------------------- */

static enum skep_language guess(str name, str text)
{
	if (str_ends(name, ".bt"))
		return SKEP_BPFTRACE;
	if (str_starts(text, "\177ELF"))
		return SKEP_OBJECT;
	if (str_ends(name, ".s") || str_ends(name, ".S"))
		return SKEP_ASM;
	if (str_ends(name, ".c") || str_ends(name, ".h"))
		return SKEP_C;
	return str_starts(text, "#!/usr/bin/env bpftrace") ||
			       str_starts(text, "#!/usr/bin/bpftrace")
		       ? SKEP_BPFTRACE
		       : SKEP_C;
}

static int refuse(struct skep *s, const char *name, const char *why)
{
	return err_set(&s->err, -SKEP_EBADFILE, "api", "%s %s", name, why);
}

static bool is_blank(str text)
{
	return str_trim(text).n == 0;
}

struct load {
	const char *name, *text;
	size_t n;
	enum skep_language lang;
};

static int check_text(struct skep *s, const char *name, str text)
{
	if (str_find(text, 0, 0) >= 0)
		return refuse(s, name, "is not text: it holds NUL bytes");
	if (is_blank(text))
		return refuse(s, name, "is empty: there is no program to run");
	return 0;
}

static int take_source(struct skep *s, const struct load *l, str text)
{
	str name = str_of(l->name);
	int r = 0;

	if (s->src)
		return err_set(&s->err, -SKEP_WRONG_USE, "api",
			       "this session has a program already");
	s->lang = l->lang == SKEP_AUTO ? guess(name, text) : l->lang;
	if (s->lang != SKEP_OBJECT && s->lang != SKEP_BYTECODE)
		r = check_text(s, l->name, text);
	if (r)
		return r;
	s->src = sources_add(&s->ss, str_dup(s->a, name), text);
	return s->src ? 0 : refuse(s, l->name, "is too large");
}

static int load_text(struct skep *s)
{
	const struct load *l = s->call;

	if (l->n > SOURCE_LIMIT)
		return refuse(s, l->name, "is larger than 64 MiB");
	return take_source(s, l, str_dup(s->a, (str){ l->text, (u32)l->n }));
}

static int load_file(struct skep *s)
{
	const struct load *l = s->call;
	str text;
	int r = base_read_file(s->a, l->name, SOURCE_LIMIT, &text, &s->err);

	return r ? r : take_source(s, l, text);
}

static int load(struct skep *s, const struct load *l, int (*how)(struct skep *s))
{
	double start = session_now_us();
	int r;

	session_begin(s);
	s->call = l;
	r = session_guarded(s, how);
	s->stage_us[STAGE_READ] = session_now_us() - start;
	return r;
}

int skep_load_text(struct skep *s, const char *name, const char *text, size_t n,
		   enum skep_language lang)
{
	return load(s, &(struct load){ name, text, n, lang }, load_text);
}

int skep_load_file(struct skep *s, const char *path, enum skep_language lang)
{
	return load(s, &(struct load){ .name = path, .lang = lang }, load_file);
}

void skep_stop(struct skep *s)
{
	int error = errno; /* of whom a signal handler interrupts */
	u64 one = 1;
	ssize_t ignored = write(s->stop_fd, &one, sizeof(one));

	(void)ignored;
	errno = error;
}

int skep_exit_code(const struct skep *s)
{
	return s->result.exit_called ? s->result.exit_code : 0;
}
int skep_command_status(const struct skep *s)
{
	return s->result.command_status;
}
uint64_t skep_lost(const struct skep *s)
{
	return s->result.lost;
}
