/* helper.c: helpers that the caller adds. One row serves the verifier (what it takes) and the machines (what to call). */
#include <errno.h>
#include <string.h>

#include "api/session.h"

static const u8 arg_kinds[] = {
	[SKEP_NOTHING] = ISA_ARG_NONE,
	[SKEP_INTEGER] = ISA_ARG_INT,
	[SKEP_CONTEXT] = ISA_ARG_CTX,
	[SKEP_READABLE] = ISA_ARG_MEM,
	[SKEP_WRITABLE] = ISA_ARG_OUT_MEM,
	[SKEP_SIZE] = ISA_ARG_SIZE,
	[SKEP_SIZE_OR_0] = ISA_ARG_SIZE_OR_0,
	[SKEP_TEXT] = ISA_ARG_STR,
	[SKEP_MAP] = ISA_ARG_MAP,
	[SKEP_MAP_KEY] = ISA_ARG_KEY,
	[SKEP_MAP_VALUE] = ISA_ARG_VALUE,
};

static int wrong(struct skep *s, const char *what)
{
	return err_set(&s->err, -EINVAL, "api", "a helper cannot be added: %s", what);
}

static bool is_size(enum skep_type t)
{
	return t == SKEP_SIZE || t == SKEP_SIZE_OR_0;
}

/* Memory and its size stand together, and nothing follows where arguments have ended. */
static const char *check_args(const struct skep_helper *h)
{
	bool has_map = false;

	for (u32 i = 0; i < 5; i++) {
		enum skep_type t = h->args[i], before = i ? h->args[i - 1] : SKEP_NOTHING;
		bool is_memory = t == SKEP_READABLE || t == SKEP_WRITABLE;

		if ((u32)t >= ARRAY_LEN(arg_kinds))
			return "an argument has an unknown type";
		if (i && before == SKEP_NOTHING && t != SKEP_NOTHING)
			return "an argument follows where there are none";
		if (is_memory && (i == 4 || !is_size(h->args[i + 1])))
			return "the size of memory must be the argument behind it";
		if (is_size(t) && before != SKEP_READABLE && before != SKEP_WRITABLE)
			return "a size needs memory before it";
		if ((t == SKEP_MAP_KEY || t == SKEP_MAP_VALUE) && !has_map)
			return "a key or value needs its map before it";
		has_map |= t == SKEP_MAP;
	}
	return NULL;
}

static int add(struct skep *s)
{
	const struct skep_helper *h = s->call;
	struct isa_helper *row;
	const char *why;

	if (h->sz < sizeof(*h) || !h->name || !h->call)
		return wrong(s, "it needs its size, a name and a function");
	if (h->id < SKEP_FIRST_HELPER || h->id > INT32_MAX)
		return wrong(s, "its id must be SKEP_FIRST_HELPER or more, and fit into 31 bits");
	if (h->result != SKEP_NOTHING && h->result != SKEP_INTEGER)
		return wrong(s, "its result can only be a number");
	if ((why = check_args(h)))
		return wrong(s, why);
	for (u32 i = 0; i < s->helpers.n; i++)
		if (s->helpers.at[i].id == h->id)
			return err_set(&s->err, -EEXIST, "api", "helper %u is there already: %s",
				       h->id, s->helpers.at[i].name);
	row = vec_push(s->a, &s->helpers);
	*row = (struct isa_helper){ .id = h->id,
				    .name = str_z(s->a, str_of(h->name)),
				    .ret = h->result == SKEP_INTEGER ? ISA_RET_INT : ISA_RET_VOID };
	for (u32 i = 0; i < 5; i++)
		row->args[i] = (enum isa_arg)arg_kinds[h->args[i]];
	/* The thread is the same object under its public name. */
	*vec_push(s->a, &s->helper_calls) =
		(struct vm_helper){ h->id, (vm_helper_fn)(void (*)(void))h->call };
	return 0;
}

int skep_add_helper(struct skep *s, const struct skep_helper *h)
{
	session_begin(s);
	s->call = h;
	return session_guarded(s, add);
}
