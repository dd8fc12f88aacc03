/* Agreement with the kernel's verdicts over a corpus of small programs, read from a file of JSON
 * lines (SKEP_CORPUS, or ../shared/corpus/verifier-sample.jsonl). No program that the kernel
 * rejects may be accepted; nearly all that it accepts must be. Disagreements are listed. The data
 * is not part of the repository: without it the test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/base.h"
#include "verify/verify.h"

#define MAX_MAPS 16

/* ---- a small reader of JSON -------------------------------------------------------------------
 */

static const char *skip_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s + 1;
}

/* Behind the value that begins at `s`. */
static const char *skip_value(const char *s, const char *end)
{
	int depth = 0;

	while (s < end) {
		if (*s == '"') {
			s = skip_string(s, end);
			if (!depth)
				return s;
			continue;
		}
		if (*s == '{' || *s == '[')
			depth++;
		if (*s == '}' || *s == ']') {
			if (--depth < 0)
				return s;
			if (!depth)
				return s + 1;
		}
		if (*s == ',' && !depth)
			return s;
		s++;
	}
	return end;
}

/* The text of a member of an object, or empty. */
static str member(str obj, const char *name)
{
	const char *s = obj.s + 1, *end = obj.s + obj.n;

	while (obj.n && s < end) {
		const char *key, *key_end, *val;

		while (s < end && *s != '"')
			s++;
		key = s + 1;
		key_end = skip_string(s, end) - 1;
		s = key_end + 1;
		while (s < end && (*s == ':' || *s == ' '))
			s++;
		val = s;
		s = skip_value(s, end);
		if (key < end && strlen(name) == (size_t)(key_end - key) &&
		    !memcmp(key, name, strlen(name)))
			return (str){ val, (u32)(s - val) };
	}
	return (str){ 0 };
}

static str text(str v)
{
	return v.n >= 2 && v.s[0] == '"' ? str_sub(v, 1, v.n - 2) : (str){ 0 };
}

static u32 number(str v)
{
	u64 x = 0;

	return str_to_u64(str_trim(v), &x) ? (u32)x : 0;
}

/* The n-th element of an array, or empty. */
static str element(str arr, u32 n)
{
	const char *s = arr.s + 1, *end = arr.s + (arr.n ? arr.n - 1 : 0);

	while (arr.n && s < end) {
		const char *at;

		while (s < end && (*s == ' ' || *s == ','))
			s++;
		at = s;
		s = skip_value(s, end);
		if (s > at && n-- == 0)
			return (str){ at, (u32)(s - at) };
		if (s == at)
			break;
	}
	return (str){ 0 };
}

static bool has_word(str v, const char *word)
{
	for (u32 i = 0; i + strlen(word) <= v.n; i++)
		if (!memcmp(v.s + i, word, strlen(word)))
			return true;
	return false;
}

/* ---- one program ------------------------------------------------------------------------------
 */

struct program {
	struct verify_input in;
	struct isa_insn insns[4096];
	struct verify_map maps[MAX_MAPS];
	str map_ids[MAX_MAPS];
	struct verify_func funcs[16];
};

static u32 hex(str x, u32 at)
{
	char b[3] = { x.s[at], x.s[at + 1], 0 };

	return (u32)strtoul(b, NULL, 16);
}

static void read_insns(struct program *p, str x)
{
	u8 *bytes = (u8 *)p->insns;

	for (u32 i = 0; i + 1 < x.n && i / 2 < sizeof(p->insns); i += 2)
		bytes[i / 2] = (u8)hex(x, i);
	p->in.insns = p->insns;
	p->in.n = x.n / 16;
}

static u8 *contents(struct arena *a, str map, u32 size)
{
	str x = text(member(member(map, "elems"), "0"));
	u8 *b = arena_alloc(a, size);

	for (u32 i = 0; i + 1 < x.n && i / 2 < size; i += 2)
		b[i / 2] = (u8)hex(x, i);
	return b;
}

/* ---- types of the kernel's own tests, which a kernel's BTF may lack --------------------------- */

struct shelf {
	struct ty_table *t;
	struct ty_btf *btf;
	const struct type *object, *member, *member1;
	const struct type *pass1, *pass2, *fail1, *fail2, *fail3;
};

static struct ty_member field(const char *name, const struct type *t)
{
	return (struct ty_member){ .name = str_of(name), .type = t };
}

static struct type *record(struct shelf *s, const char *name, const struct ty_member *m, u32 n)
{
	struct type *t = ty_tagged_new(s->t, TY_STRUCT, str_of(name), (struct span){ 0 });

	if (n)
		ty_layout(s->t, t, m, n, false, 0);
	return t;
}

static void fill_shelf(struct shelf *s)
{
	const struct type *i = ty_basic(s->t, TY_B_INT), *p = ty_ptr_to(s->t, ty_basic(s->t, TY_B_VOID));
	const struct type *ch = ty_basic(s->t, TY_B_CHAR), *sh = ty_basic(s->t, TY_B_SHORT);
	struct type *o = ty_tagged_new(s->t, TY_STRUCT, STR("prog_test_ref_kfunc"), (struct span){ 0 });
	struct ty_member m1[] = { field("a", i) };
	struct ty_member m2[] = { field("m", NULL), field("c", i) };
	struct ty_member m3[] = { field("a", i), field("b", i), field("memb", NULL),
				  field("next", ty_ptr_to(s->t, o)), field("cnt", i) };
	struct ty_member p1[] = { field("x0", i), field("s", NULL) };
	struct ty_member p1s[] = { field("x1", i), field("s", NULL) };
	struct ty_member p1t[] = { field("x2", i), field("x3", i) };
	struct ty_member p2[] = { field("len", i), field("arr", ty_array_of(s->t, sh, 4)) };
	struct ty_member f1[] = { field("p", p), field("x", i) };
	struct ty_member f3[] = { field("len", i), field("arr", ty_array_of(s->t, ch, TY_UNSIZED)) };

	s->member1 = m2[0].type = record(s, "prog_test_member1", m1, 1);
	s->member = m3[2].type = record(s, "prog_test_member", m2, 2);
	ty_layout(s->t, o, m3, 5, false, 0);
	s->object = o;
	p1s[1].type = record(s, "", p1t, 2);
	p1[1].type = record(s, "", p1s, 2);
	s->pass1 = record(s, "prog_test_pass1", p1, 2);
	s->pass2 = record(s, "prog_test_pass2", p2, 2);
	s->fail1 = record(s, "prog_test_fail1", f1, 2);
	s->fail2 = record(s, "prog_test_fail2", f1, 2);
	s->fail3 = record(s, "prog_test_fail3", f3, 2);
}

static const struct type *named_object(struct shelf *s, str name)
{
	const struct type *known[] = { s->object, s->member, s->member1 };

	str_cut(&name, ' ');
	for (u32 i = 0; i < 3; i++)
		if (str_eq(known[i]->name, name))
			return known[i];
	return s->btf ? ty_btf_find(s->btf, TY_STRUCT, name) : NULL;
}

static void read_kptrs(struct arena *a, struct shelf *s, struct verify_map *m, str fields)
{
	struct verify_kptr *k = arena_array_of(a, struct verify_kptr, 8);
	str f;

	m->kptrs = k;
	for (u32 i = 0; i < 8 && (f = element(fields, i)).n; i++) {
		str kind = text(member(f, "field"));

		if (str_starts(kind, "kptr"))
			k[m->n_kptrs++] = (struct verify_kptr){
				number(member(f, "offset")), str_starts(kind, "kptr_ref"),
				named_object(s, text(member(f, "pointee")))
			};
	}
}

/* The prototype of a function of the kernel's own tests: one letter a parameter. */
static const struct type *test_proto(struct shelf *s, str name)
{
	static const struct { const char *name, *args; } table[] = {
		{ "bpf_kfunc_call_test_acquire", "oL" },
		{ "bpf_kfunc_call_memb_acquire", "m" },
		{ "bpf_kfunc_call_test_release", "vo" },
		{ "bpf_kfunc_call_memb_release", "vm" },
		{ "bpf_kfunc_call_memb1_release", "v1" },
		{ "bpf_kfunc_call_test_kptr_get", "oOii" },
		{ "bpf_kfunc_call_test_pass_ctx", "vC" },
		{ "bpf_kfunc_call_test_pass1", "vp" },
		{ "bpf_kfunc_call_test_pass2", "vq" },
		{ "bpf_kfunc_call_test_fail1", "vx" },
		{ "bpf_kfunc_call_test_fail2", "vy" },
		{ "bpf_kfunc_call_test_fail3", "vz" },
		{ "bpf_kfunc_call_test_mem_len_pass1", "vVs" },
		{ "bpf_kfunc_call_test_mem_len_fail1", "vVi" },
		{ "bpf_kfunc_call_test_mem_len_fail2", "vUi" },
		{ "bpf_kfunc_call_test_ref", "vo" },
	};
	const struct type *v = ty_basic(s->t, TY_B_VOID), *u64p = ty_ptr_to(s->t, ty_basic(s->t, TY_B_ULONG));
	const struct type *skb = ty_tagged_new(s->t, TY_STRUCT, STR("__sk_buff"), (struct span){ 0 });
	struct ty_param params[5] = { 0 };
	const struct type *ret = NULL;

	for (u32 i = 0; i < ARRAY_LEN(table); i++) {
		if (!str_is(name, table[i].name))
			continue;
		for (u32 k = 0; table[i].args[k]; k++) {
			const struct type *t, *to = NULL;

			switch (table[i].args[k]) {
			case 'o': to = s->object; break;
			case 'O': to = ty_ptr_to(s->t, s->object); break;
			case 'm': to = s->member; break;
			case '1': to = s->member1; break;
			case 'p': to = s->pass1; break;
			case 'q': to = s->pass2; break;
			case 'x': to = s->fail1; break;
			case 'y': to = s->fail2; break;
			case 'z': to = s->fail3; break;
			case 'C': to = skb; break;
			case 'V': to = v; break;
			case 'U': to = ty_basic(s->t, TY_B_ULONG); break;
			default: break;
			}
			t = to ? ty_ptr_to(s->t, to) : table[i].args[k] == 'L' ? u64p : ty_basic(s->t, TY_B_INT);
			if (table[i].args[k] == 'v')
				t = v;
			if (k == 0)
				ret = t;
			else
				params[k - 1] = (struct ty_param){
					table[i].args[k] == 's' ? STR("mem__sz") : STR("x"), t
				};
			if (!table[i].args[k + 1])
				return ty_func_of(s->t, ret, params, k, false);
		}
	}
	return NULL;
}

static void read_kfuncs(struct arena *a, struct shelf *s, struct program *p, str refs)
{
	struct verify_kfunc *k = arena_array_of(a, struct verify_kfunc, 16);
	str ref;

	p->in.kfuncs = k;
	for (u32 i = 0; i < 16 && (ref = element(refs, i)).n; i++) {
		u32 n = p->in.n_kfuncs++;

		k[n].name = text(member(ref, "kfunc"));
		k[n].proto = test_proto(s, k[n].name);
		p->insns[number(member(ref, "insn_index"))].imm = (s32)n + 1;
	}
}

/* What the elements of a map of maps are; an array of one number where nothing says so. */
static u32 read_inner(struct program *p, str map)
{
	struct verify_map *m = &p->maps[p->in.n_maps];

	*m = (struct verify_map){ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 4,
				  .max_entries = 1, .inner = OBJ_NONE, .spin_lock_off = OBJ_NONE,
				  .timer_off = OBJ_NONE };
	if (map.n && number(member(map, "type_num"))) {
		m->type = number(member(map, "type_num"));
		m->key_size = number(member(map, "key_size"));
		m->value_size = number(member(map, "value_size"));
		m->max_entries = number(member(map, "max_entries"));
	}
	return p->in.n_maps++;
}

static u32 read_map(struct arena *a, struct shelf *s, struct program *p, str ref)
{
	str id = text(member(ref, "map_id")), map = member(ref, "map"), fields;
	struct verify_map *m;

	for (u32 i = 0; i < p->in.n_maps; i++)
		if (str_eq(p->map_ids[i], id))
			return i;
	m = &p->maps[p->in.n_maps];
	p->map_ids[p->in.n_maps] = id;
	m->type = number(member(map, "type_num"));
	m->key_size = number(member(map, "key_size"));
	m->value_size = number(member(map, "value_size"));
	m->max_entries = number(member(map, "max_entries"));
	m->flags = number(member(map, "map_flags"));
	m->inner = m->spin_lock_off = m->timer_off = OBJ_NONE;
	if (m->flags & 0x80)
		m->frozen = contents(a, map, m->value_size);
	fields = member(map, "value_fields");
	for (u32 i = 0; element(fields, i).n; i++)
		if (str_is(text(member(element(fields, i), "field")), "bpf_spin_lock"))
			m->spin_lock_off = number(member(element(fields, i), "offset"));
	read_kptrs(a, s, m, fields);
	p->in.n_maps++;
	if (m->type == ISA_MAP_ARRAY_OF_MAPS || m->type == ISA_MAP_HASH_OF_MAPS)
		m->inner = read_inner(p, member(map, "inner"));
	return (u32)(m - p->maps);
}

static u32 attach_of(str name)
{
	for (u32 k = 0; name.n && isa_attach_kind(k); k++) {
		str x = str_of(isa_attach_kind(k)->name);

		if (x.n == name.n - 4 && !strncasecmp(x.s, name.s + 4, x.n))
			return k;
	}
	return OBJ_NONE;
}

static void read_program(struct arena *a, struct shelf *s, struct program *p, str line)
{
	str type = text(member(line, "prog_type")), flags = member(line, "flags"), ref;
	char lower[64] = { 0 };

	read_insns(p, text(member(line, "insns")));
	for (u32 i = 0; i < type.n && i < 63; i++)
		lower[i] = (char)(type.s[i] | (type.s[i] == '_' ? 0 : 0x20));
	for (u32 i = 0; i < type.n; i++)
		if (type.s[i] >= '0' && type.s[i] <= '9')
			lower[i] = type.s[i];
	p->in.prog_type =
		isa_prog_kind_named(str_of(lower)) ? isa_prog_kind_named(str_of(lower))->number : 0;
	p->in.attach_type = attach_of(text(member(line, "expected_attach_type")));
	p->in.privileged = true;
	p->in.sleepable = has_word(flags, "SLEEPABLE");
	p->in.strict_align = has_word(flags, "STRICT_ALIGNMENT");
	p->in.any_align = has_word(flags, "ANY_ALIGNMENT");
	p->in.btf_target = text(member(line, "attach_name"));
	p->in.maps = p->maps;
	for (u32 i = 0; (ref = element(member(line, "map_refs"), i)).n; i++) {
		u32 at = number(member(ref, "insn_index"));

		p->insns[at].imm = (s32)read_map(a, s, p, ref);
	}
	read_kfuncs(a, s, p, member(line, "kfunc_refs"));
	for (u32 i = 0; (ref = element(member(line, "bad_map_fds"), i)).n; i++)
		p->insns[number(member(ref, "insn_index"))].imm = -1;
}

struct score {
	u32 accepts, accepted, rejects, rejected, unsound, unpriv_unsound, unpriv_missed;
};

static void judge_line(str line, struct score *sc, struct shelf *s)
{
	struct arena *a = arena_new(NULL);
	struct program *p = arena_new_of(a, struct program);
	str verdict = text(member(member(line, "gold"), "verdict"));
	str unpriv = text(member(line, "k61_unpriv_verdict"));
	bool want = str_is(verdict, "ACCEPT");
	struct verify_result out;

	read_program(a, s, p, line);
	p->in.btf = s->btf;
	verify_program(a, &p->in, &out);
	sc->accepts += want;
	sc->accepted += want && out.accepted;
	sc->rejects += !want;
	sc->rejected += !want && !out.accepted;
	sc->unsound += !want && out.accepted;
	if (want != out.accepted)
		printf("%s: want " STR_FMT ": " STR_FMT " (%s insn %u: " STR_FMT ")\n",
		       want ? "missed " : "UNSOUND", STR_ARG(verdict),
		       STR_ARG(text(member(line, "id"))), verify_tag_name(out.problem.tag),
		       out.problem.insn, STR_ARG(out.problem.text));
	if (unpriv.n && want) {
		p->in.privileged = false;
		verify_program(a, &p->in, &out);
		want = str_is(unpriv, "ACCEPT");
		sc->unpriv_unsound += !want && out.accepted;
		sc->unpriv_missed += want && !out.accepted;
		if (want != out.accepted && getenv("SKEP_UNPRIV"))
			printf("unprivileged: want " STR_FMT ": " STR_FMT " (%s insn %u: " STR_FMT
			       ")\n",
			       STR_ARG(unpriv), STR_ARG(text(member(line, "id"))),
			       verify_tag_name(out.problem.tag), out.problem.insn,
			       STR_ARG(out.problem.text));
	}
	arena_free(a);
}

static void corpus(void **state)
{
	const char *path = getenv("SKEP_CORPUS");
	struct arena *a = arena_new(NULL);
	struct ty_table *t = ty_table_new(a);
	struct ty_btf *btf = NULL;
	struct shelf s = { .t = t };
	struct score sc = { 0 };
	struct err e;
	str all;

	(void)state;
	if (!path)
		path = "../shared/corpus/verifier-sample.jsonl";
	if (base_read_file(a, path, 64 << 20, &all, &e)) {
		printf("skipped: there is no corpus at %s\n", path);
		arena_free(a);
		skip();
	}
	if (ty_btf_open(t, NULL, &btf, &e))
		btf = NULL;
	s.btf = btf;
	fill_shelf(&s);
	while (all.n) {
		str line = str_cut(&all, '\n');

		if (line.n && (!getenv("SKEP_ONE") || has_word(line, getenv("SKEP_ONE"))))
			judge_line(line, &sc, &s);
	}
	printf("accepted %u of %u, rejected %u of %u; unprivileged: %u too many, %u missed\n",
	       sc.accepted, sc.accepts, sc.rejected, sc.rejects, sc.unpriv_unsound,
	       sc.unpriv_missed);
	if (btf)
		ty_btf_close(btf);
	arena_free(a);
	assert_int_equal(sc.unsound, 0);
	assert_int_equal(sc.unpriv_unsound, 0);
	if (!getenv("SKEP_ONE"))
		assert_true(sc.accepted * 100 >= sc.accepts * 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(corpus) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
