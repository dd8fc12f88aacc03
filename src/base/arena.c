/* arena: memory that is given back all at once.
 *
 * An arena is a stack of chunks; an allocation cuts the next bytes off the top chunk, so it costs
 * an addition and a compare. Chunks double from 8 KiB to 1 MiB; what is larger gets a chunk of its
 * own.
 *
 * Invariant: bytes at and above `dirty` in a chunk are zero (calloc made them), bytes below may
 * hold what a release left behind. So handing out zeroed memory costs a memset only where memory is
 * used a second time.
 *
 * A mark is the pair (top chunk, bytes used in it); releasing it pops the chunks above. One popped
 * chunk is kept, so that a loop of mark and release at a chunk's end does not call malloc each
 * time.
 *
 * In a SKEP_DEBUG build released bytes are overwritten with 0xdd. Under AddressSanitizer every
 * allocation is followed by a red zone, and released memory and outgrown vectors are unreadable.
 *
 * Vectors live here too: they only need to grow a block. No memory is ever given back singly.
 */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define RED_ZONE     16
#define hide(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unhide(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define RED_ZONE     0
#define hide(p, n)   ((void)(p), (void)(n))
#define unhide(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN	    16
#define FIRST_CHUNK ((size_t)8 << 10)
#define LAST_CHUNK  ((size_t)1 << 20)
#define MAX_ALLOC   (SIZE_MAX / 4)

struct chunk {
	struct chunk *prev;
	size_t size, used; /* of the data behind this header */
	size_t dirty;	   /* data below this may be non-zero */
	size_t before;	   /* bytes used in all chunks below */
} __attribute__((aligned(ALIGN)));

struct arena {
	struct chunk *top, *spare;
	struct trap *trap;
	struct arena *next, *prev; /* in trap->arenas */
	u32 fail_in;		   /* allocations until a forced failure; 0 is never */
};

static u8 *data(struct chunk *c)
{
	return (u8 *)(c + 1);
}

__attribute__((noreturn)) static void out_of_memory(struct trap *trap)
{
	if (!trap)
		abort();
	trap->file = NULL;
	trap->line = 0;
	strcpy(trap->what, "out of memory");
	trap_spring(trap);
}

struct arena *arena_new(struct trap *trap)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		out_of_memory(trap);
	a->trap = trap;
	if (trap) {
		a->next = trap->arenas;
		if (a->next)
			a->next->prev = a;
		trap->arenas = a;
	}
	return a;
}

/* Makes data[from, to) unusable until it is handed out again. */
static void retire(struct chunk *c, size_t from, size_t to)
{
#ifdef SKEP_DEBUG
	unhide(data(c) + from, to - from);
	memset(data(c) + from, 0xdd, to - from);
#endif
	hide(data(c) + from, to - from);
}

static void chunk_free(struct chunk *c)
{
	if (!c)
		return;
	retire(c, 0, c->used);
	unhide(data(c), c->size);
	free(c);
}

/* Takes it off its trap's list. */
static void unlist(struct arena *a)
{
	if (a->next)
		a->next->prev = a->prev;
	if (a->prev)
		a->prev->next = a->next;
	else if (a->trap)
		a->trap->arenas = a->next;
}

void arena_free(struct arena *a)
{
	struct chunk *c, *prev;

	if (!a)
		return;
	unlist(a);
	for (c = a->top; c; c = prev) {
		prev = c->prev;
		chunk_free(c);
	}
	if (a->spare)
		a->spare->used = 0;
	chunk_free(a->spare);
	free(a);
}

void arena_free_all(struct trap *trap)
{
	struct arena *next;

	for (struct arena *a = trap->arenas; a; a = next) {
		next = a->next;
		arena_free(a);
	}
}

/* Puts a chunk with room for `need` bytes on top. */
static struct chunk *push_chunk(struct arena *a, size_t need)
{
	struct chunk *c = a->spare;
	size_t size = a->top ? a->top->size * 2 : FIRST_CHUNK;

	if (c && c->size >= need) {
		a->spare = NULL;
	} else {
		if (size > LAST_CHUNK)
			size = LAST_CHUNK;
		if (size < need)
			size = need;
		c = calloc(1, sizeof(*c) + size);
		if (!c)
			out_of_memory(a->trap);
		c->size = size;
		hide(data(c), size);
	}
	c->used = 0;
	c->before = a->top ? a->top->before + a->top->used : 0;
	c->prev = a->top;
	a->top = c;
	return c;
}

static bool is_to_fail(struct arena *a)
{
#ifdef SKEP_DEBUG
	if (a->trap && a->trap->fail_in && --a->trap->fail_in == 0)
		return true;
#endif
	return a->fail_in && --a->fail_in == 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct chunk *c = a->top;
	size_t need, at;
	u8 *p;

	if (size > MAX_ALLOC || is_to_fail(a))
		out_of_memory(a->trap);
	need = round_up(size, ALIGN) + RED_ZONE;
	if (!c || c->size - c->used < need)
		c = push_chunk(a, need);
	at = c->used;
	p = data(c) + at;
	c->used += need;
	unhide(p, size);
	if (at < c->dirty && size)
		memset(p, 0, c->dirty - at < size ? c->dirty - at : size);
	return p;
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory(a->trap);
	return arena_alloc(a, bytes);
}

void *arena_dup(struct arena *a, const void *bytes, size_t size)
{
	void *p = arena_alloc(a, size);

	if (size)
		memcpy(p, bytes, size);
	return p;
}

struct arena_mark arena_mark(struct arena *a)
{
	return (struct arena_mark){ a->top, a->top ? a->top->used : 0 };
}

/* Takes the top chunk off; keeps it when it is a better spare than the one there. */
static void pop_chunk(struct arena *a)
{
	struct chunk *c = a->top;

	a->top = c->prev;
	if (c->size > LAST_CHUNK || (a->spare && a->spare->size >= c->size)) {
		chunk_free(c);
		return;
	}
	chunk_free(a->spare);
	if (c->dirty < c->used)
		c->dirty = c->used;
	retire(c, 0, c->used);
	c->used = 0;
	a->spare = c;
}

void arena_release(struct arena *a, struct arena_mark m)
{
	struct chunk *c;

	while (a->top != m.chunk) {
		base_check(a->trap, a->top != NULL);
		pop_chunk(a);
	}
	c = a->top;
	if (!c)
		return;
	base_check(a->trap, m.used <= c->used);
	if (c->dirty < c->used)
		c->dirty = c->used;
	retire(c, m.used, c->used);
	c->used = m.used;
}

size_t arena_used(const struct arena *a)
{
	return a->top ? a->top->before + a->top->used : 0;
}

struct trap *arena_trap(const struct arena *a)
{
	return a->trap;
}

#ifdef SKEP_DEBUG
void arena_fail_after(struct arena *a, u32 n)
{
	a->fail_in = n;
}
#endif

/* Makes the block `at` longer where it lies: possible when it is the last one of its chunk. */
static bool extend(struct arena *a, u8 *at, size_t old, size_t size)
{
	struct chunk *c = a->top;
	size_t from;

	if (RED_ZONE || !at || !c || size > MAX_ALLOC || a->fail_in)
		return false;
	if (at + round_up(old, ALIGN) != data(c) + c->used)
		return false;
	from = c->used - round_up(old, ALIGN);
	if (c->size - from < round_up(size, ALIGN))
		return false;
	memset(at + old, 0, size - old);
	c->used = from + round_up(size, ALIGN);
	return true;
}

void *vec_grow(struct arena *a, void *at, u32 *cap, u32 n, size_t size)
{
	u32 new_cap = *cap < 8 ? 8 : *cap * 2;
	void *p;

	if (*cap > UINT32_MAX / 2 || __builtin_mul_overflow((size_t)new_cap, size, &(size_t){ 0 }))
		out_of_memory(a->trap);
	if (extend(a, at, *cap * size, new_cap * size)) {
		*cap = new_cap;
		return at;
	}
	p = arena_alloc(a, new_cap * size);
	if (n) {
		memcpy(p, at, n * size);
		hide(at, *cap * size);
	}
	*cap = new_cap;
	return p;
}
