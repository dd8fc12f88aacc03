/* binary.c: programs that need no compiler: assembly, bare instructions and compiled objects become an obj.
 *
 * Assembly is one program. Its lines `.section xdp`, `.map NAME TYPE KEY VALUE ENTRIES [FLAGS]` and
 * `.license GPL` say what ELF sections say in an object. Bare instructions get a listing as their source, so that
 * a refusal can show the instruction that it is about.
 *
 * What the sections name is bound to the machine as C programs are; but an instruction cannot be rewritten, so an
 * event that this kernel has only as an equivalent is refused.
 */
#include <errno.h>
#include <string.h>

#include "api/session.h"

/* ---- a program's kind --------------------------------------------------------------------------- */

static int unknown_type(struct skep *s, const char *name)
{
	return err_set(&s->err, -EINVAL, "api",
		       "there is no program type '%s'; types are socket_filter, xdp, sched_cls, "
		       "tracepoint, kprobe, …",
		       name);
}

/* The kind of a program without a section: the option, or a filter of packets. */
static int kind_of_option(struct skep *s, struct obj_prog *p)
{
	const char *name = s->o.program_type ? s->o.program_type : "socket_filter";
	const struct isa_kind *k = isa_prog_kind_named(str_of(name));

	if (!k)
		return unknown_type(s, name);
	p->prog_type = k->number;
	p->attach_type = OBJ_NONE;
	p->attach = p->section = str_of(k->name);
	return 0;
}

static int kind_of_section(struct skep *s, struct obj_prog *p, struct probes_binding *b)
{
	struct probes_point want;
	struct sbuf attach;
	int r = probes_parse_section(s->a, p->section, &want, &s->err);

	if (!r)
		r = s->engine->bind(s->engine_self, &want, b, &s->err);
	if (r)
		return r;
	if (b->adapt != PROBES_NATIVE)
		return err_set(&s->err, -SKEP_ENOEVENT, "api",
			       "program '" STR_FMT "' (" STR_FMT "): " STR_FMT
			       "; compiled code cannot be adapted to another event, its source can",
			       STR_ARG(p->name), STR_ARG(p->section), STR_ARG(b->note));
	sbuf_init(&attach, s->a);
	probes_print(&attach, &b->at);
	p->attach = sbuf_str(&attach);
	probes_types(&b->at, &p->prog_type, &p->attach_type);
	if (p->attach_type != OBJ_NONE)
		p->btf_target = b->at.name;
	p->sleepable = str_ends(str_cut(&(str){ p->section.s, p->section.n }, '/'), ".s");
	return 0;
}

/* Asked for by name or not, a section that only the option explains is taken as that type. */
static int find_kind(struct skep *s, struct obj_prog *p)
{
	struct probes_binding b = { 0 };
	struct err none = { 0 };
	struct probes_point want;

	if (p->section.n && s->o.program_type &&
	    probes_parse_section(s->a, p->section, &want, &none))
		p->section = (str){ 0 };
	if (s->o.mem_size || !p->section.n)
		return kind_of_option(s, p);
	return kind_of_section(s, p, &b);
}

static int find_kinds(struct skep *s)
{
	int r = 0;

	for (u32 i = 0; !r && i < s->obj->progs.n; i++)
		if (!s->obj->progs.at[i].disabled)
			r = find_kind(s, &s->obj->progs.at[i]);
	return r;
}

/* ---- assembly ----------------------------------------------------------------------------------- */

static u32 number(str *rest, bool *ok)
{
	str word = str_cut(rest, ' ');
	u64 x = 0;

	*rest = str_trim(*rest);
	if (!str_to_u64(word, &x) || x > UINT32_MAX)
		*ok = false;
	return (u32)x;
}

static void declare_map(struct skep *s, const struct isa_directive *d)
{
	str rest = d->rest, name = str_cut(&rest, ' '), type;
	const struct isa_kind *kind;
	u32 sizes[3], map;
	bool ok = true;

	rest = str_trim(rest);
	type = str_cut(&rest, ' ');
	rest = str_trim(rest);
	kind = isa_map_kind_named(type);
	for (u32 i = 0; i < 3; i++)
		sizes[i] = number(&rest, &ok);
	if (!kind || !name.n || !ok || obj_map_find(s->obj, name) != OBJ_NONE) {
		diag_add(&s->dx, d->span, E_ASM, "this map %s",
			 !ok || !name.n ? "is not declared whole"
			 : !kind	? "has a type that does not exist"
					: "is declared already");
		diag_hint(&s->dx, "a map is declared as: .map counts hash 4 8 1024 (name, type, "
				  "bytes of a key, bytes of a value, entries)");
		return;
	}
	map = obj_map_add(s->obj, name, kind->number, sizes[0], sizes[1], sizes[2]);
	s->obj->maps.at[map].flags = rest.n ? number(&rest, &ok) : 0;
	s->obj->maps.at[map].show = OBJ_SHOW_TABLE;
	s->obj->maps.at[map].span = d->span;
}

/* The data section that stands for the value of a map, for loads of its address. */
static u32 data_of_map(struct skep *s, u32 map)
{
	struct obj_data *d;

	if (s->obj->maps.at[map].data != OBJ_NONE)
		return s->obj->maps.at[map].data;
	s->obj->maps.at[map].data = s->obj->datas.n;
	d = vec_push(s->a, &s->obj->datas);
	*d = (struct obj_data){ .name = s->obj->maps.at[map].name,
				.kind = OBJ_BSS,
				.size = s->obj->maps.at[map].value_size,
				.map = map };
	return s->obj->maps.at[map].data;
}

static void refer(struct skep *s, struct obj_func *f, const struct isa_text *t,
		  const struct isa_ref *ref)
{
	u32 map = obj_map_find(s->obj, ref->name);
	struct obj_reloc *r;

	if (map == OBJ_NONE) {
		diag_add(&s->dx, t->spans.at[ref->insn], E_ASM,
			 "there is no map '" STR_FMT "' in this text", STR_ARG(ref->name));
		diag_hint(&s->dx, "declare it on a line of its own: .map " STR_FMT " hash 4 8 1024",
			  STR_ARG(ref->name));
		return;
	}
	r = vec_push(s->a, &f->relocs);
	*r = (struct obj_reloc){ .insn = ref->insn, .kind = OBJ_R_MAP, .index = map };
	if (ref->pseudo != ISA_MAP_VALUE && ref->pseudo != ISA_MAP_IDX_VALUE)
		return;
	r->kind = OBJ_R_DATA;
	r->index = data_of_map(s, map);
	r->add = f->insns[ref->insn + 1].imm;
}

static struct obj_func *add_program(struct skep *s, struct isa_insn *insns, u32 n)
{
	struct obj_func *f = vec_push(s->a, &s->obj->funcs);
	struct obj_prog *p = vec_push(s->a, &s->obj->progs);

	*f = (struct obj_func){ .name = STR("program"), .insns = insns, .n = n };
	*p = (struct obj_prog){ .name = f->name, .attach_type = OBJ_NONE };
	f->span = p->span = (struct span){ s->src->base, s->src->base };
	return f;
}

static void lines_of(struct skep *s, struct obj_func *f, const struct span *spans)
{
	for (u32 i = 0; i < f->n; i++) {
		if (i && spans[i].lo == spans[i - 1].lo)
			continue;
		*vec_push(s->a, &f->lines) = (struct obj_line){ i, spans[i] };
	}
}

static int read_asm(struct skep *s)
{
	struct isa_text t;
	struct obj_func *f;

	if (!isa_assemble(s->a, &s->dx, s->src, &t))
		return -SKEP_WRONG_PROGRAM;
	if (!t.insns.n) {
		diag_add(&s->dx, (struct span){ s->src->base, s->src->base + 1 }, E_EMPTY,
			 "the text has no instruction");
		return -SKEP_WRONG_PROGRAM;
	}
	f = add_program(s, t.insns.at, t.insns.n);
	lines_of(s, f, t.spans.at);
	for (u32 i = 0; i < t.directives.n; i++) {
		const struct isa_directive *d = &t.directives.at[i];

		if (str_is(d->name, ".section"))
			s->obj->progs.at[0].section = d->rest;
		else if (str_is(d->name, ".license"))
			s->obj->license = d->rest;
		else
			declare_map(s, d);
	}
	for (u32 i = 0; i < t.refs.n; i++)
		refer(s, f, &t, &t.refs.at[i]);
	return s->dx.n_errors ? -SKEP_WRONG_PROGRAM : 0;
}

/* ---- listings ----------------------------------------------------------------------------------- */

/* A function without line records gets its own code as source: one line an instruction. */
static void list_function(struct skep *s, struct obj_func *f)
{
	struct span *spans = arena_array_of(s->a, struct span, f->n + 1);
	struct source *src;
	struct sbuf text;

	sbuf_init(&text, s->a);
	for (u32 i = 0; i < f->n; i++) {
		bool wide = isa_is_wide(f->insns[i]) && i + 1 < f->n;

		spans[i].lo = text.n;
		isa_print(&text, f->insns[i], wide ? f->insns[i + 1] : (struct isa_insn){ 0 });
		spans[i].hi = text.n;
		sbuf_putc(&text, '\n');
		if (wide) {
			i++;
			spans[i] = spans[i - 1];
		}
	}
	src = sources_add(
		&s->ss,
		str_printf(s->a, STR_FMT ":" STR_FMT, STR_ARG(s->src->name), STR_ARG(f->name)),
		sbuf_str(&text));
	if (!src)
		return;
	for (u32 i = 0; i < f->n; i++) {
		spans[i].lo += src->base;
		spans[i].hi += src->base;
	}
	f->span = spans[0];
	lines_of(s, f, spans);
}

static int read_bytecode(struct skep *s)
{
	str bytes = s->src->text;

	if (bytes.n % sizeof(struct isa_insn))
		return err_set(&s->err, -SKEP_EBADFILE, "api",
			       "%u bytes are not a whole number of instructions of 8 bytes",
			       bytes.n);
	add_program(s, arena_dup(s->a, bytes.s, bytes.n), bytes.n / sizeof(struct isa_insn));
	return 0;
}

static int read_object(struct skep *s)
{
	struct obj_elf_options o = { .types = s->types,
				     .ss = &s->ss,
				     .name = s->src->name,
				     .btf = session_btf,
				     .btf_arg = s,
				     .kern_version = probes_kernel_version(s->machine) };

	return obj_read_elf(s->a, &o, s->src->text, &s->obj, &s->err);
}

bool binary_is(enum skep_language lang)
{
	return lang == SKEP_ASM || lang == SKEP_OBJECT || lang == SKEP_BYTECODE;
}

int binary_to_obj(struct skep *s)
{
	int r;

	s->obj = obj_new(s->a, &s->ss);
	s->obj->kern_version = probes_kernel_version(s->machine);
	r = s->lang == SKEP_ASM	     ? read_asm(s)
	    : s->lang == SKEP_OBJECT ? read_object(s)
				     : read_bytecode(s);
	if (r)
		return r;
	for (u32 i = 0; i < s->obj->funcs.n; i++)
		if (!s->obj->funcs.at[i].lines.n)
			list_function(s, &s->obj->funcs.at[i]);
	for (u32 i = 0; i < s->obj->progs.n; i++)
		if (s->obj->progs.at[i].func < s->obj->funcs.n)
			s->obj->progs.at[i].span = s->obj->funcs.at[s->obj->progs.at[i].func].span;
	return find_kinds(s);
}
