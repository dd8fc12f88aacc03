/* program.c: programs that the caller runs itself.
 *
 * Each is linked, judged by skep's verifier, bound to the session's maps, and made into native code; from then on it is
 * immutable, so that threads share it. The context must be as large as the proof wants: the verifier's facts
 * tell the farthest byte that the program touches, and a call with less is refused.
 *
 * A program that the caller wants unverified skips the proof: the interpreter then checks every access.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/session.h"

struct skep_program {
	struct skep *s;
	u32 index; /* of the obj's programs */
	struct vm_prog *vm;
	struct jit_code *code;
	u32 need; /* bytes of context that it was proved to stay within */
};

/* ---- maps --------------------------------------------------------------------------------------- */

static int fill_map(struct skep *s, u32 i)
{
	const struct obj_map *m = &s->obj->maps.at[i];
	const struct obj_data *d = m->data == OBJ_NONE ? NULL : &s->obj->datas.at[m->data];
	u32 stride;
	u8 *base;

	if (!d || !d->bytes || !d->size)
		return 0;
	base = maps_array_base(s->maps[i], &stride);
	if (!base || d->size > m->value_size)
		return err_set(&s->err, -SKEP_EBADFILE, "api",
			       "data section " STR_FMT " does not fit its map", STR_ARG(d->name));
	memcpy(base, d->bytes, d->size);
	return 0;
}

static int make_map(struct skep *s, u32 i)
{
	const struct obj_map *m = &s->obj->maps.at[i];
	struct maps_spec spec = { .name = m->name,
				  .type = m->type,
				  .key_size = m->key_size,
				  .value_size = m->value_size,
				  .max_entries = m->max_entries,
				  .flags = m->flags,
				  .value = m->value };
	int r;

	/* Empty data sections are declared but hold nothing. */
	if (m->data != OBJ_NONE && !m->value_size)
		return 0;
	if (m->type == ISA_MAP_PERF_EVENT_ARRAY && !spec.max_entries)
		spec.max_entries = probes_cpus(s->machine);
	if (m->inner != OBJ_NONE) {
		if (m->inner >= i || !s->maps[m->inner])
			return err_set(&s->err, -SKEP_EBADFILE, "api",
				       "map '" STR_FMT "': its inner map is missing",
				       STR_ARG(m->name));
		spec.inner = s->maps[m->inner];
	}
	r = maps_create(&spec, &s->maps[i], &s->err);
	return r ? r : fill_map(s, i);
}

static int make_maps(struct skep *s)
{
	u32 n = s->obj->maps.n;
	int r = 0;

	if (s->maps)
		return 0;
	s->maps = arena_array_of(s->a, struct maps_map *, n + 1);
	s->n_maps = n;
	for (u32 i = 0; !r && i < n; i++)
		r = make_map(s, i);
	return r;
}

/* ---- one program -------------------------------------------------------------------------------- */

static int no_map(struct skep *s, const struct obj_map *m)
{
	return err_set(&s->err, -SKEP_EBADFILE, "api", "map '" STR_FMT "' is used but empty",
		       STR_ARG(m->name));
}

/* The maps that the code names must be there; vm takes no holes. */
static int list_maps(struct skep *s, const struct judged *j, struct maps_map ***out)
{
	struct maps_map **list = arena_array_of(s->a, struct maps_map *, s->n_maps + 1),
			*any = NULL;

	for (u32 i = 0; i < s->n_maps; i++)
		any = s->maps[i] ? s->maps[i] : any;
	for (u32 i = 0; i < j->in.n; i++) {
		struct isa_insn x = j->in.insns[i];

		if (isa_is_wide(x) && (x.src == ISA_MAP_FD || x.src == ISA_MAP_VALUE) &&
		    (u32)x.imm < s->n_maps && !s->maps[x.imm])
			return no_map(s, &s->obj->maps.at[x.imm]);
	}
	for (u32 i = 0; i < s->n_maps; i++)
		list[i] = s->maps[i] ? s->maps[i] : any;
	*out = list;
	return 0;
}

/* How far into its context the program was proved to reach. */
static u32 context_needed(const struct skep *s, const struct judged *j)
{
	u32 need = s->o.mem_size;

	for (u32 i = 0; j->result.facts && i < j->in.n; i++) {
		const struct verify_fact *f = &j->result.facts[i];
		struct isa_insn x = j->in.insns[i];
		u8 class = isa_class(x);
		s64 end;

		if (f->region != VERIFY_CTX ||
		    (class != ISA_LDX && class != ISA_STX && class != ISA_ST))
			continue;
		end = (f->is_const ? f->const_off : x.off) + isa_bytes(x);
		need = end > need ? (u32)end : need;
	}
	return need;
}

/* Calls that the proof never reached: CO-RE leaves such for what this kernel lacks. */
static const struct isa_insn *without_dead_calls(struct skep *s, const struct judged *j)
{
	struct isa_insn *insns = arena_dup(s->a, j->in.insns, j->in.n * sizeof(*insns));

	for (u32 i = 0; j->result.facts && i < j->in.n; i++)
		if (insns[i].code == (ISA_JMP | ISA_CALL) && !j->result.facts[i].is_reached)
			insns[i] = isa_exit();
	return insns;
}

static int bind_vm(struct skep_program *p, const struct judged *j)
{
	struct skep *s = p->s;
	struct vm_spec spec = { .insns = without_dead_calls(s, j),
				.n = j->in.n,
				.n_maps = s->n_maps,
				.extra = s->helper_calls.at,
				.n_extra = s->helper_calls.n,
				.lenient = s->o.unverified,
				.mem_context = s->o.mem_size != 0 };
	struct maps_map **maps = NULL;
	int r = list_maps(s, j, &maps);

	if (r)
		return r;
	spec.maps = maps;
	return vm_prog_new(&spec, &p->vm, &s->err);
}

static int make_native(struct skep_program *p, const struct judged *j)
{
	struct skep *s = p->s;
	struct jit_options o = { .facts = j->result.facts,
				 .with_budget = s->o.budget != 0,
				 .keep_stack = !s->o.unverified && !j->result.reads_unwritten,
				 .ctx_size = s->o.mem_size };
	struct err e = { 0 };
	int r;

	if (s->o.execution == SKEP_INTERPRETER ||
	    (s->o.execution == SKEP_FASTEST && s->o.unverified))
		return 0;
	r = jit_compile(p->vm, &o, &p->code, &e);
	if (r && (s->o.execution == SKEP_NATIVE || r == -ENOMEM)) {
		s->err = e;
		return r;
	}
	if (p->code)
		jit_publish(p->code);
	return 0;
}

static void free_program(struct skep_program *p)
{
	jit_free(p->code);
	vm_prog_free(p->vm);
	p->code = NULL;
	p->vm = NULL;
}

void program_free_all(struct skep *s)
{
	for (u32 i = 0; i < s->programs.n; i++)
		free_program(s->programs.at[i]);
	s->programs.n = 0;
	for (u32 i = 0; i < s->n_maps; i++)
		maps_put(s->maps[i]);
	s->maps = NULL;
	s->n_maps = 0;
	vm_thread_free(s->thread);
	s->thread = NULL;
}

static int make_program(struct skep *s, u32 index, struct skep_program **out)
{
	struct skep_program *p = arena_new_of(s->a, struct skep_program);
	struct judged j = { 0 };
	int r;

	*p = (struct skep_program){ .s = s, .index = index };
	if (s->o.unverified) {
		r = obj_link(s->a, s->obj, index, &j.image, &s->err);
		if (!r)
			verify_input_of(s->a, s->obj, &j.image, index, &j.in);
	} else {
		r = judge_program(s, index, &j);
	}
	if (r)
		return r;
	p->need = context_needed(s, &j);
	*vec_push(s->a, &s->programs) = p;
	r = bind_vm(p, &j);
	if (!r)
		r = make_native(p, &j);
	if (r) {
		free_program(p);
		s->programs.n--;
		return r;
	}
	*out = p;
	return 0;
}

/* ---- finding it --------------------------------------------------------------------------------- */

static int no_program(struct skep *s, str name)
{
	struct nearest near;

	nearest_init(&near, name);
	for (u32 i = 0; i < s->obj->progs.n; i++)
		nearest_offer(&near, s->obj->progs.at[i].name);
	if (near.best.n)
		return err_set(&s->err, -ENOENT, "api",
			       "there is no program '" STR_FMT "'; did you mean '" STR_FMT "'?",
			       STR_ARG(name), STR_ARG(near.best));
	return err_set(&s->err, -ENOENT, "api", "there is no program '" STR_FMT "'", STR_ARG(name));
}

static int find_program(struct skep *s, const char *name, u32 *out)
{
	const struct obj *o = s->obj;

	*out = 0;
	if (!name && o->progs.n == 1)
		return 0;
	if (!name)
		return err_set(&s->err, -EINVAL, "api", "the source has %u programs: say which one",
			       o->progs.n);
	for (*out = 0; *out < o->progs.n; ++*out)
		if (str_is(o->progs.at[*out].name, name))
			return 0;
	for (*out = 0; *out < o->progs.n; ++*out)
		if (str_is(o->progs.at[*out].section, name))
			return 0;
	return no_program(s, str_of(name));
}

static void print_text(void *arg, const char *text, u32 n)
{
	struct skep *s = arg;

	if (s->o.write)
		(void)s->o.write(s->o.write_arg, text, n);
}

struct program_call {
	const char *name;
	struct skep_program **out;
};

static int get_program(struct skep *s)
{
	const struct program_call *c = s->call;
	u32 index;
	int r;

	s->judging = true;
	r = compile_to_obj(s);
	if (!r)
		r = find_program(s, c->name, &index);
	if (r)
		return r;
	for (u32 i = 0; i < s->programs.n; i++) {
		if (s->programs.at[i]->index == index) {
			*c->out = s->programs.at[i];
			return 0;
		}
	}
	if (!s->thread && !(s->thread = vm_thread_new(0)))
		return err_set(&s->err, -ENOMEM, "api", "out of memory");
	vm_thread_print(s->thread, print_text, s);
	r = make_maps(s);
	return r ? r : make_program(s, index, c->out);
}

int skep_program(struct skep *s, const char *name, struct skep_program **out)
{
	*out = NULL;
	session_begin(s);
	s->call = &(struct program_call){ name, out };
	return session_guarded(s, get_program);
}

/* ---- calls -------------------------------------------------------------------------------------- */

static int call_native(struct skep_program *p, struct vm_thread *t, void *ctx, u64 *out)
{
	int *fault = vm_thread_fault(t);

	*fault = 0;
	*vm_thread_budget(t) = p->s->o.budget ? p->s->o.budget : UINT64_MAX;
	*out = jit_entry(p->code)(ctx, t);
	return *fault;
}

int skep_call(struct skep_program *p, struct skep_thread *thread, void *ctx, size_t ctx_size,
	      uint64_t *out_result)
{
	struct vm_thread *t = thread ? (struct vm_thread *)thread : p->s->thread;
	struct vm_limits limits = { .budget = p->s->o.budget };
	struct err e;
	u64 result = 0;
	int r;

	if (ctx_size < p->need || ctx_size > UINT32_MAX)
		return -EINVAL;
	if (p->code)
		r = call_native(p, t, ctx, &result);
	else
		r = vm_run(p->vm, t, ctx, p->s->o.mem_size ? p->s->o.mem_size : (u32)ctx_size,
			   &limits, &result, &e);
	if (out_result)
		*out_result = result;
	return r;
}

int skep_program_is_native(const struct skep_program *p, size_t *out_bytes)
{
	if (out_bytes)
		*out_bytes = p->code ? jit_size(p->code) : 0;
	return p->code != NULL;
}

struct skep_thread *skep_thread_new(unsigned slot)
{
	return (struct skep_thread *)vm_thread_new(slot);
}

void skep_thread_free(struct skep_thread *t)
{
	vm_thread_free((struct vm_thread *)t);
}

void skep_thread_set_data(struct skep_thread *t, void *data)
{
	vm_thread_set_host((struct vm_thread *)t, data);
}

void *skep_thread_data(const struct skep_thread *t)
{
	return vm_thread_host((const struct vm_thread *)t);
}

int skep_set_data(struct skep *s, void *data)
{
	session_begin(s);
	if (!s->thread && !(s->thread = vm_thread_new(0)))
		return err_set(&s->err, -ENOMEM, "api", "out of memory");
	vm_thread_set_host(s->thread, data);
	return 0;
}
