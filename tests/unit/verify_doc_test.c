/* docs/verifier.md against the verifier: under each tag stand a program that is refused with that tag at
 * that instruction, and one that is accepted. A fence is ```bad TYPE [WORD]… INSN or ```good TYPE [WORD]….
 */
#include "verify_maps.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static u32 value_of(str words, const char *name)
{
	u64 x = 0;

	while (words.n) {
		str w = str_cut(&words, ' ');

		if (str_starts(w, name))
			(void)str_to_u64(str_sub(w, (u32)strlen(name), w.n), &x);
	}
	return (u32)x;
}

static bool has_word(str words, const char *word)
{
	while (words.n)
		if (str_is(str_cut(&words, ' '), word))
			return true;
	return false;
}

/* The number at the end of a line of words, cut off. */
static u32 last_number(str *words)
{
	u32 at = words->n;
	u64 x = 0;

	while (at && words->s[at - 1] != ' ')
		at--;
	assert_true(str_to_u64(str_sub(*words, at, words->n), &x));
	words->n = at ? at - 1 : 0;
	return (u32)x;
}

static void judge(struct arena *a, str words, str code, struct verify_result *out)
{
	struct verify_func func = { .insn = value_of(words, "global="), .is_global = true };
	struct verify_input in = { .privileged = !has_word(words, "unprivileged"),
				   .sleepable = has_word(words, "sleepable"),
				   .budget = value_of(words, "budget=") };
	str rest = words, type = str_cut(&rest, ' ');
	const struct isa_kind *k = isa_prog_kind_named(type);

	in.prog_type = k ? k->number : value_of(words, "type=");
	assert_true(k || in.prog_type);
	assert_true(verify_assemble(a, code, &in, NULL));
	in.funcs = &func;
	in.n_funcs = func.insn != 0;
	verify_program(a, &in, out);
}

struct section {
	str tag;
	u32 bad, good;
};

static u32 judge_fence(struct arena *a, struct section *s, str head, str code)
{
	bool bad = str_starts(head, "bad ");
	u32 want = bad ? last_number(&head) : 0;
	str kind = str_cut(&head, ' ');
	struct verify_result out;

	judge(a, head, code, &out);
	s->bad += bad;
	s->good += !bad;
	if (bad ? str_is(s->tag, verify_tag_name(out.problem.tag)) && out.problem.insn == want
		: out.accepted)
		return 0;
	printf(STR_FMT " (" STR_FMT "): %s insn %u: " STR_FMT "\n", STR_ARG(s->tag), STR_ARG(kind),
	       verify_tag_name(out.problem.tag), out.problem.insn, STR_ARG(out.problem.text));
	return 1;
}

static u32 end_section(const struct section *s)
{
	if (!s->tag.n || (s->bad && s->good))
		return 0;
	printf(STR_FMT " lacks a program\n", STR_ARG(s->tag));
	return 1;
}

static bool is_tag(str name)
{
	for (u32 i = 1; i < VERIFY_N_TAGS; i++)
		if (str_is(name, verify_tag_name((enum verify_tag)i)))
			return true;
	return false;
}

static void page(void **state)
{
	struct arena *a = arena_new(NULL);
	struct section s = { 0 };
	u32 wrong = 0, sections = 0;
	struct err e;
	str all;

	(void)state;
	assert_int_equal(base_read_file(a, "docs/verifier.md", 1 << 20, &all, &e), 0);
	while (all.n) {
		str line = str_cut(&all, '\n');

		if (str_starts(line, "### ")) {
			wrong += end_section(&s);
			s = (struct section){ .tag = str_sub(line, 4, line.n) };
			sections++;
			wrong += !is_tag(s.tag);
		} else if (str_starts(line, "```bad ") || str_starts(line, "```good ")) {
			str code = all;

			while (all.n && !str_starts(all, "```"))
				str_cut(&all, '\n');
			code.n = (u32)(all.s - code.s);
			wrong += judge_fence(a, &s, str_sub(line, 3, line.n), code);
			str_cut(&all, '\n');
		}
	}
	wrong += end_section(&s);
	arena_free(a);
	assert_int_equal(wrong, 0);
	assert_int_equal(sections, VERIFY_N_TAGS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(page) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
