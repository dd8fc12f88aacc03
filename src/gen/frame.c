/* The frame: where locals and spilled registers lie below r10.
 *
 * Locals come first. Each gets words of its own where there is room: the kernel's verifier remembers what
 * was stored only from the start of a word (a loop counter whose address is taken ends the loop for it
 * only then). Where there is none, the ones of larger alignment lie nearest to r10 and nothing is lost to
 * padding. Spilled registers follow; two share a place when they are never needed at the same time.
 * That is found as for registers: backward data flow over the stores and reloads, then each in turn
 * takes the first place that none of its neighbours has.
 *
 * More than 512 bytes are the user's error, shown with the largest locals: those of at least an eighth
 * of the whole.
 */
#include "gen/mir.h"

enum { MAX_SHOWN = 3 };

struct frame {
	struct gen *g;
	u32 n, words;	      /* spilled registers */
	u64 *in, *out, *kill; /* sets of each block */
	u64 *near;	      /* a set for each: neighbours */
	bool *is_used;
	u32 *place;
};

static bool has(const u64 *set, u32 bit)
{
	return set[bit / 64] >> (bit % 64) & 1;
}
static void add(u64 *set, u32 bit)
{
	set[bit / 64] |= 1ull << (bit % 64);
}
static void drop(u64 *set, u32 bit)
{
	set[bit / 64] &= ~(1ull << (bit % 64));
}

/* The number of the spilled register that an instruction stores or reloads, or `n`. */
static u32 spilled(const struct frame *f, const struct mi *m, bool *out_is_store)
{
	if (!(m->flags & MI_FRAME) || m->slot < f->g->n_locals)
		return f->n;
	*out_is_store = !(m->flags & MI_WRITE_D);
	return m->slot - f->g->n_locals;
}

static void scan_block(struct frame *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	u64 *in = f->in + (size_t)block * f->words, *kill = f->kill + (size_t)block * f->words;

	for (u32 i = b->code.n; i-- > 0;) {
		bool is_store;
		u32 k = spilled(f, &b->code.at[i], &is_store);

		if (k == f->n)
			continue;
		f->is_used[k] = true;
		if (is_store) {
			add(kill, k);
			drop(in, k);
		} else {
			add(in, k);
		}
	}
}

static bool update(struct frame *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	size_t at = (size_t)block * f->words;
	bool grew = false;

	for (u32 w = 0; w < f->words; w++) {
		u64 more;

		for (u32 k = 0; k < b->n_succ; k++)
			f->out[at + w] |= f->in[(size_t)b->succ[k] * f->words + w];
		more = f->out[at + w] & ~f->kill[at + w] & ~f->in[at + w];
		f->in[at + w] |= more;
		grew |= more != 0;
	}
	return grew;
}

/* A store interferes with all that is needed behind it. Uses up the block's `out`. */
static void find_near(struct frame *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	u64 *live = f->out + (size_t)block * f->words;

	for (u32 i = b->code.n; i-- > 0;) {
		bool is_store;
		u32 k = spilled(f, &b->code.at[i], &is_store);

		if (k == f->n)
			continue;
		if (!is_store) {
			add(live, k);
			continue;
		}
		drop(live, k);
		for (u32 other = 0; other < f->n; other++)
			if (has(live, other)) {
				add(f->near + (size_t)k * f->words, other);
				add(f->near + (size_t)other * f->words, k);
			}
	}
}

/* Gives each spilled register a place; returns how many there are. */
static u32 share_places(struct frame *f)
{
	u64 *taken = arena_array_of(f->g->a, u64, f->words);
	u32 n_places = 0;

	for (u32 k = 0; k < f->n; k++) {
		u32 place = 0;

		if (!f->is_used[k])
			continue;
		for (u32 w = 0; w < f->words; w++)
			taken[w] = 0;
		for (u32 other = 0; other < k; other++)
			if (f->is_used[other] && has(f->near + (size_t)k * f->words, other))
				add(taken, f->place[other]);
		while (has(taken, place))
			place++;
		f->place[k] = place;
		if (place >= n_places)
			n_places = place + 1;
	}
	return n_places;
}

/* The bytes of all spilled registers; their offsets count from `top`. */
static u64 place_spills(struct gen *g, u64 top)
{
	struct frame f = { .g = g, .n = g->slots.n - g->n_locals };
	size_t size;
	u32 n_places;
	bool grew;

	if (!f.n)
		return 0;
	f.words = (f.n + 63) / 64;
	size = (size_t)g->n_blocks * f.words;
	f.in = arena_array_of(g->a, u64, size);
	f.out = arena_array_of(g->a, u64, size);
	f.kill = arena_array_of(g->a, u64, size);
	f.near = arena_array_of(g->a, u64, (size_t)f.n * f.words);
	f.is_used = arena_array_of(g->a, bool, f.n);
	f.place = arena_array_of(g->a, u32, f.n);
	for (u32 i = 0; i < g->n_blocks; i++)
		scan_block(&f, i);
	do {
		grew = false;
		for (u32 i = g->n_blocks; i-- > 0;)
			grew |= update(&f, i);
	} while (grew);
	for (u32 i = 0; i < g->n_blocks; i++)
		find_near(&f, i);
	n_places = share_places(&f);
	for (u32 k = 0; k < f.n; k++)
		g->slots.at[g->n_locals + k].off = (s32) - (s64)(top + 8 * (f.place[k] + 1u));
	return 8ull * n_places;
}

/* The bytes of all locals, each aligned to at least `least`. Alignment beyond 8 means nothing on this
 * stack. */
static u64 place_locals(struct gen *g, u32 least)
{
	u64 top = 0;

	for (u32 align = 8; align; align /= 2)
		for (u32 i = 0; i < g->n_locals; i++) {
			struct frame_slot *s = &g->slots.at[i];
			u32 wants = s->align < 8 ? s->align : 8;

			if ((wants < least ? least : wants) != align)
				continue;
			top = round_up(top + s->bytes, align);
			s->off = top <= INT32_MAX ? (s32) - (s64)top : 0;
		}
	return round_up(top, 8);
}

/* ---- too much ------------------------------------------------------------------------------- */

static void too_large(struct gen *g, u64 locals, u64 spills)
{
	u64 total = locals + spills;
	u32 last = 0xffffffffu, shown = 0;

	diag_add(g->dx, g->fn->span, E_STACK,
		 "'" STR_FMT "' needs %llu bytes of stack; a BPF function has %u",
		 STR_ARG(g->fn->name), (unsigned long long)total, ISA_STACK_BYTES);
	while (shown < MAX_SHOWN) {
		const struct frame_slot *best = NULL;
		u32 at = 0;

		for (u32 i = 0; i < g->n_locals; i++) {
			const struct frame_slot *s = &g->slots.at[i];

			if (s->bytes < last && (!best || s->bytes > best->bytes)) {
				best = s;
				at = i;
			}
		}
		if (!best || best->bytes < total / 8)
			break;
		for (u32 i = at; i < g->n_locals && shown < MAX_SHOWN; i++)
			if (g->slots.at[i].bytes == best->bytes) {
				diag_note(g->dx, g->slots.at[i].span, "this takes %u bytes",
					  best->bytes);
				shown++;
			}
		last = best->bytes;
	}
	if (spills)
		diag_note(g->dx, (struct span){ 0 },
			  "%llu bytes keep values for which there are too few registers",
			  (unsigned long long)spills);
	diag_hint(g->dx, "keep large objects in a per-CPU array map of one entry");
	g->failed = true;
}

void gen_frame(struct gen *g)
{
	u64 locals = place_locals(g, 8), spills = place_spills(g, locals);

	if (locals + spills > ISA_STACK_BYTES) {
		locals = place_locals(g, 1);
		spills = place_spills(g, locals);
	}
	if (locals + spills > ISA_STACK_BYTES)
		too_large(g, locals, spills);
	else
		g->out->stack = (u32)(locals + spills);
}
