/* base: what every room stands on.
 *
 * Arenas, string views, vectors, string maps, text builders; source buffers and spans;
 * diagnostics with carets. Nothing here knows about BPF.
 *
 * Three kinds of failure are kept apart (docs/architecture.md):
 *   wrong program -> struct diags    failing world -> int + struct err    our bug -> base_bug()
 *
 * Thread rule of the whole room: an object belongs to one thread at a time; nothing is global.
 */
#ifndef SKEP_BASE_H
#define SKEP_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

static inline u64 round_up(u64 n, u64 to) { return (n + to - 1) / to * to; }

/* ---- our bug -------------------------------------------------------------------------------- */

/* Where control goes when a stage cannot continue: out of memory, or a broken invariant. The session
 * (api) sets one up around each stage; NULL means abort(). Zero it before its first use. */
struct trap {
	jmp_buf env;
	const char *file;      /* where base_bug() was called; NULL for out of memory */
	int line;
	char what[128];
	struct arena *arenas;  /* all that were made with it and are not freed */
	struct trap_guard *guards;
	u32 fail_in;           /* SKEP_DEBUG, for tests: their n-th allocation from now fails */
};

/* Reports a broken invariant of skep itself: jumps to `trap`, or aborts when it is NULL.
 * Never returns. */
__attribute__((noreturn)) void base_bug_at(struct trap *trap, const char *file, int line,
					   const char *what);
/* Frees what no arena owns, such as a descriptor, if control jumps away while it is held. Lives in
 * the frame of its holder; popped in the reverse order. Without a trap nothing is done. */
struct trap_guard { struct trap_guard *below; void (*undo)(void *arg); void *arg; };
void trap_guard_push(struct trap *trap, struct trap_guard *g, void (*undo)(void *arg), void *arg);
void trap_guard_pop(struct trap *trap);
void trap_close_fd(void *fd);          /* an undo: closes the int that it points to */
__attribute__((noreturn)) void trap_spring(struct trap *trap);   /* calls the guards and jumps */

#define base_bug(trap, what) base_bug_at(trap, __FILE__, __LINE__, what)
#define base_check(trap, cond) ((cond) ? (void)0 : base_bug(trap, #cond))

/* ---- arenas --------------------------------------------------------------------------------- */

/* A region of memory whose contents live and die together. Arenas are named by lifetime
 * (session, unit, function, scratch); a first parameter `struct arena *a` means "the result lives
 * there". */
struct arena;

/* Returns a new, empty arena; on exhaustion it jumps to `trap` (aborts when NULL).
 * The caller frees it with arena_free(); `trap` must outlive it. */
struct arena *arena_new(struct trap *trap);
void arena_free(struct arena *a);
/* Frees all arenas that were made with `trap`: what stages that were jumped over left behind. */
void arena_free_all(struct trap *trap);

/* Zeroed memory, aligned to 16, never NULL; lives as long as the arena. `size` may be 0. */
void *arena_alloc(struct arena *a, size_t size);
#define arena_new_of(a, type) ((type *)arena_alloc(a, sizeof(type)))
#define arena_array_of(a, type, n) ((type *)arena_alloc_array(a, n, sizeof(type)))
void *arena_alloc_array(struct arena *a, size_t n, size_t size);
/* A copy of `size` bytes. */
void *arena_dup(struct arena *a, const void *bytes, size_t size);

/* Scratch use: everything allocated after the mark is given back by the release. */
struct arena_mark { void *chunk; size_t used; };
struct arena_mark arena_mark(struct arena *a);
void arena_release(struct arena *a, struct arena_mark m);

/* Bytes handed out and not given back; for benchmarks and limits. */
size_t arena_used(const struct arena *a);
struct trap *arena_trap(const struct arena *a);
#ifdef SKEP_DEBUG
/* For tests: the n-th allocation from now runs out of memory (1 is the next); 0 takes it back. */
void arena_fail_after(struct arena *a, u32 n);
#endif

/* ---- vectors -------------------------------------------------------------------------------- */

/* vec(T) is a growable array inside an arena: `.at[i]`, `.n`. A zeroed one is empty; lowering `.n`
 * drops elements. vec_push returns a pointer to a zeroed new last element, valid until the next
 * push; it evaluates its arguments more than once. */
#define vec(T) struct { T *at; u32 n, cap; }
#define vec_push(a, v) \
	((v)->n == (v)->cap \
	 ? (void)((v)->at = vec_grow((a), (v)->at, &(v)->cap, (v)->n, sizeof(*(v)->at))) \
	 : (void)__builtin_memset(&(v)->at[(v)->n], 0, sizeof(*(v)->at)), \
	 &(v)->at[(v)->n++])
#define vec_last(v) (&(v)->at[(v)->n - 1])
/* Helper of vec_push: a block with room for one more, old contents copied, rest zeroed. */
void *vec_grow(struct arena *a, void *at, u32 *cap, u32 n, size_t size);

/* ---- strings -------------------------------------------------------------------------------- */

/* A view of bytes: not terminated, not owned. */
typedef struct str { const char *s; u32 n; } str;

#define STR(lit) ((str){ "" lit, sizeof(lit) - 1 })
#define STR_FMT "%.*s"
#define STR_ARG(x) (int)(x).n, (x).s

str str_of(const char *cstr);                    /* NULL gives the empty view */
bool str_eq(str a, str b);
bool str_is(str a, const char *cstr);
bool str_starts(str a, const char *prefix);
bool str_ends(str a, const char *suffix);
int str_cmp(str a, str b);                       /* bytewise, shorter first */
str str_sub(str a, u32 from, u32 n);             /* clamped to `a` */
/* Index of the first `c` at or after `from`, or -1. */
int str_find(str a, char c, u32 from);
str str_trim(str a);                             /* without blanks at both ends */
/* Cuts `*rest` at the first `sep`: returns what is before it and moves *rest behind it. */
str str_cut(str *rest, char sep);
str str_dup(struct arena *a, str x);
char *str_z(struct arena *a, str x);             /* NUL-terminated copy */
str str_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
str str_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Parses a C integer (0x, 0, decimal; sign allowed) that fills all of `x`; false if it does not, or
 * if the value does not fit. No suffixes. A negative number is no u64. */
bool str_to_u64(str x, u64 *out);
bool str_to_s64(str x, s64 *out);
/* Matches a shell-like pattern where `*` is any run and `?` any one byte. */
bool str_glob(str pattern, str text);
/* Edit distance (Levenshtein with transposition) of at most `limit`, else limit + 1; strings that
 * differ over more than 255 bytes are always too far. */
u32 str_distance(str a, str b, u32 limit);
/* Decodes the UTF-8 character at `at`: returns its length in bytes and its code point, or 0 when
 * there is none (end, or malformed: overlong, surrogate, cut, beyond U+10FFFF). */
u32 str_utf8(str x, u32 at, u32 *out_code);
/* Columns that a character takes in a terminal: 0 (combining), 1, or 2 (East Asian wide, emoji). */
u32 str_utf8_width(u32 code);

/* ---- string maps ---------------------------------------------------------------------------- */

/* Hash map from string to pointer. Keys are views: they must outlive the map. Zeroed = empty.
 * Iteration by `slots` is in hash order; callers that print must sort or keep their own list. */
struct strmap { struct strmap_slot { str key; u64 hash; void *val; } *slots; u32 n, cap; };
void *strmap_get(const struct strmap *m, str key);           /* NULL when absent */
void strmap_put(struct arena *a, struct strmap *m, str key, void *val);  /* replaces */
/* Removes nothing physically: the value becomes NULL. */
void strmap_drop(struct strmap *m, str key);
u64 str_hash(str x);

/* ---- text builders -------------------------------------------------------------------------- */

/* A growing text in an arena; `.s` is always NUL-terminated once something was added. */
struct sbuf { struct arena *a; char *s; u32 n, cap; };
void sbuf_init(struct sbuf *b, struct arena *a);
void sbuf_putc(struct sbuf *b, char c);
void sbuf_put(struct sbuf *b, str x);
void sbuf_puts(struct sbuf *b, const char *cstr);
void sbuf_pad(struct sbuf *b, char c, u32 n);
void sbuf_printf(struct sbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sbuf_vprintf(struct sbuf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Appends a C-quoted string: "a\n" with the quotes; what is not printable UTF-8 becomes \ooo. */
void sbuf_quote(struct sbuf *b, str x);
/* Appends a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void sbuf_json(struct sbuf *b, str x);
str sbuf_str(const struct sbuf *b);

/* ---- failing world -------------------------------------------------------------------------- */

/* Own error codes, used negative beside errno's where errno has no word. */
enum skep_errno {
	SKEP_ENOBTF = 5000,   /* the kernel gives no BTF */
	SKEP_EREJECTED,       /* a verifier refused the program */
	SKEP_ENOEVENT,        /* no such attach point on this machine */
	SKEP_ENOCAP,          /* a capability or sysctl is missing */
	SKEP_EUNSUPPORTED,    /* this engine or kernel cannot do it */
	SKEP_EBADFILE,        /* malformed input file */
	SKEP_EINTERNAL,       /* our bug */
};

/* Details of a failure; the caller owns it. `code` is negative like the function's result. */
struct err {
	int code;
	char room[12];        /* which room failed, for bug reports */
	char msg[1012];       /* one or more plain sentences, without a final newline */
};
/* Fills `e` (which may be NULL) and returns `code`. */
int err_set(struct err *e, int code, const char *room, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Reads a whole file (at most `limit` bytes) into `a`; 0, -errno, or -EFBIG over the limit.
 * The text is followed by a NUL that `out_text` does not count. */
int base_read_file(struct arena *a, const char *path, size_t limit, str *out_text,
		   struct err *e) MUST_CHECK;

/* ---- sources and spans ---------------------------------------------------------------------- */

/* A span is a half-open byte range [lo, hi) in the numbering of all sources of a session: each
 * source owns a range of numbers, so that four bytes name a place. {0,0} means "nowhere". */
struct span { u32 lo, hi; };
static inline bool span_known(struct span s) { return s.hi != 0; }
static inline struct span span_join(struct span a, struct span b)
{
	if (!span_known(a)) return b;
	if (!span_known(b)) return a;
	return (struct span){ a.lo, b.hi > a.hi ? b.hi : a.hi };
}

struct source {
	str name;             /* as the user wrote it, "stdin", or "<skep/…>" for a built-in header */
	str text;
	u32 base;             /* the number of its first byte; >= 1 */
	bool builtin;         /* part of skep's own lib/ */
	u32 *lines;           /* offsets of line starts, built when first asked */
	u32 n_lines;
};

struct sources { struct arena *a; vec(struct source *) list; u32 next; };
void sources_init(struct sources *ss, struct arena *a);
/* Adds a text; `name` and `text` must live as long as the session. Returns NULL when the numbering
 * (4 GiB of source text) is exhausted. */
struct source *sources_add(struct sources *ss, str name, str text);
struct source *sources_find(const struct sources *ss, u32 at);   /* NULL if nowhere */
/* Line and column (both from 1; the column counts bytes) of a place. */
struct place { struct source *src; u32 line, col; };
struct place sources_place(struct sources *ss, u32 at);
/* The text of one line, without its newline (LF or CR LF). Empty beyond the last line. */
str sources_line(struct sources *ss, struct source *src, u32 line);
str sources_text(struct sources *ss, struct span s);

/* ---- wrong program: diagnostics -------------------------------------------------------------- */

/* Every diagnostic has a tag, listed with its gloss in diag_tags.def; docs/errors.md is made from
 * that file and tests/diag/ holds at least one example of each. */
enum diag_tag {
#define DIAG(tag, severity, gloss) tag,
#include "diag_tags.def"
#undef DIAG
	DIAG_N_TAGS
};
enum diag_severity { DIAG_NOTE, DIAG_WARNING, DIAG_ERROR };

struct diag {
	enum diag_severity severity;
	enum diag_tag tag;
	struct span span;
	str text, rule;       /* the rule of the verifier that was broken, or empty */
	vec(struct diag_extra { bool is_hint; struct span span; str text; }) extras;
};

struct diags {
	struct arena *a;
	struct sources *ss;
	vec(struct diag) list;
	u32 n_errors, n_warnings, n_kept_errors, n_kept_warnings;
	u32 limit;            /* of each kind kept; 20 by default; later ones are only counted */
	bool no_warnings, is_bpftrace; /* none are counted; text has bpftrace's form */
	bool dropped;         /* the one added last was not kept, so its notes go nowhere */
};
void diags_init(struct diags *dx, struct arena *a, struct sources *ss);
/* Adds one diagnostic of the tag's severity. Two errors that begin at the same place keep only the
 * first, as do two equal warnings; those are not counted. Texts are cut at 1000 bytes. */
void diag_add(struct diags *dx, struct span at, enum diag_tag tag, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Attach to the diagnostic added last: a note shows another place (nowhere: just text); a hint
 * says what to do. */
void diag_note(struct diags *dx, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void diag_hint(struct diags *dx, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Names the rule behind the diagnostic added last (a constant text): in brackets; "rule" in JSON. */
void diag_rule(struct diags *dx, const char *rule);
const char *diag_tag_name(enum diag_tag tag);       /* "E_SYNTAX" */
const char *diag_tag_gloss(enum diag_tag tag);
enum diag_severity diag_tag_severity(enum diag_tag tag);
/* Appends all diagnostics as text: `file:line:col: error: …`, the source line, `^~~~`. */
void diags_render(struct diags *dx, struct sbuf *out, bool color);
/* Appends them as JSON lines, one object each: {"type":"diagnostic","severity":…,"tag":…,
 * "message":…,"file":…,"line":…,"column":…,"end_line":…,"end_column":…,"source":…,"notes":[…],
 * "hints":[…]}; without the place when there is none. When some were not kept, one last object
 * {"type":"omitted","errors":N,"warnings":N}. */
void diags_render_json(struct diags *dx, struct sbuf *out);

/* The nearest name to a misspelt one: offer candidates, then read `.best` (empty: none is near). */
struct nearest { str want; str best; u32 distance; };
void nearest_init(struct nearest *n, str want);
void nearest_offer(struct nearest *n, str candidate);

#endif
