/* plugin.c: `skep plugin`: one program on one piece of memory, as the public conformance suite wants it.
 *
 * PLUGIN [MEM] [FLAGS]: MEM is hex bytes separated by blanks, the program comes on stdin (or by --program) in the
 * same form, eight bytes an instruction. r1 is the memory's address and r2 its length; r0 is printed in hex. The suite's
 * runner puts MEM first, before the flags that it was told to add: `skep MEM plugin FLAGS` is understood too.
 *
 * Without --lenient skep's verifier looks first. Lenient native code has no proof behind it, so the interpreter runs it
 * first, on a copy and with every access checked; both must agree.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const char plugin_help[] =
	"usage: skep plugin [MEM] [--interp|--jit] [--lenient] [--program HEX] < PROGRAM\n"
	"\n"
	"Runs one BPF program on one piece of memory and prints r0 in hex, as plugins of the "
	"public "
	"suite\n"
	"bpf_conformance do. MEM and PROGRAM are bytes in hex; blanks between them do not count. "
	"r1 "
	"points to the memory,\n"
	"r2 is its length.\n"
	"\n"
	"  --interp               in the interpreter\n"
	"  --jit                  in native code (default: native where this machine has a "
	"target)\n"
	"  --lenient              without the verifier; shift counts are masked\n"
	"  --program HEX          the program here instead of on stdin\n"
	"  --unprivileged         verify by the rules of unprivileged users\n";

enum { CONTEXT_BYTES = 4096 };

struct plugin {
	unsigned char *program, *mem;
	size_t n, mem_n;
	bool has_mem;
};

static int digit(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* NULL when the text is no hex or memory ends; never NULL for an empty text. */
static unsigned char *parse_hex(const char *text, size_t *out_n)
{
	unsigned char *bytes = malloc(strlen(text) / 2 + 1);
	size_t n = 0;
	int hi, lo;

	for (; bytes && *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		hi = digit((unsigned char)text[0]);
		lo = hi < 0 ? -1 : digit((unsigned char)text[1]);
		if (lo < 0) {
			free(bytes);
			return NULL;
		}
		bytes[n++] = (unsigned char)(hi * 16 + lo);
		text++;
	}
	*out_n = n;
	return bytes;
}

bool plugin_is_memory(const char *word)
{
	size_t n;
	unsigned char *bytes = parse_hex(word, &n);

	free(bytes);
	return bytes != NULL;
}

static bool take_inputs(struct plugin *p, const struct flags *f)
{
	char *text = f->program ? strdup(f->program) : session_read_stdin(&p->n);

	p->program = text ? parse_hex(text, &p->n) : NULL;
	free(text);
	if (!p->program) {
		fprintf(stderr, "skep: plugin: the program is not bytes in hex\n");
		return false;
	}
	p->has_mem = f->file != NULL;
	p->mem = parse_hex(f->file ? f->file : "", &p->mem_n);
	if (!p->mem) {
		fprintf(stderr, "skep: plugin: the memory '%s' is not bytes in hex\n", f->file);
		return false;
	}
	return true;
}

/* r1 = 0 and r2 = 0 in front of a program without memory. */
static unsigned char *with_zeros(const struct plugin *p, size_t *out_n)
{
	static const unsigned char zeros[] = {
		0xb7, 1, 0, 0, 0, 0, 0, 0, 0xb7, 2, 0, 0, 0, 0, 0, 0
	};
	size_t front = p->mem_n ? 0 : sizeof(zeros);
	unsigned char *all = malloc(p->n + front + 1);

	if (!all)
		return NULL;
	memcpy(all, zeros, front);
	memcpy(all + front, p->program, p->n);
	*out_n = p->n + front;
	return all;
}

static int load(struct skep *s, const struct plugin *p)
{
	size_t n;
	unsigned char *program;
	int r;

	if (p->n > 4 && memcmp(p->program, "\177ELF", 4) == 0)
		return skep_load_text(s, "program", (const char *)p->program, p->n, SKEP_OBJECT);
	program = with_zeros(p, &n);
	if (!program)
		return -ENOMEM;
	r = skep_load_text(s, "program", (const char *)program, n, SKEP_BYTECODE);
	free(program);
	return r;
}

/* Runs on a copy of the memory; the exit code. */
static int run(struct flags *f, const struct plugin *p, enum skep_execution how, uint64_t *out)
{
	unsigned char *ctx = calloc(1, p->mem_n + CONTEXT_BYTES);
	struct skep_program *program;
	struct skep *s;
	int r = -ENOMEM;

	f->o.execution = how;
	f->o.mem_size = (uint32_t)p->mem_n;
	s = ctx ? skep_open(flags_options(f)) : NULL;
	if (!s) {
		fprintf(stderr, "skep: out of memory\n");
		free(ctx);
		return EXIT_FAILED;
	}
	memcpy(ctx, p->mem, p->mem_n);
	r = load(s, p);
	if (!r)
		r = skep_program(s, NULL, &program);
	if (!r) {
		r = skep_call(program, NULL, ctx, p->mem_n ? p->mem_n : CONTEXT_BYTES, out);
		if (r)
			fprintf(stderr, "skep: plugin: the run failed: %s\n", strerror(-r));
	}
	r = session_report(s, f, r);
	skep_close(s);
	free(ctx);
	return r;
}

static int run_lenient(struct flags *f, const struct plugin *p, uint64_t *out)
{
	uint64_t checked = 0;
	int r = run(f, p, SKEP_INTERPRETER, &checked);

	*out = checked;
	if (r || f->execution != SKEP_NATIVE)
		return r;
	return run(f, p, SKEP_NATIVE, out);
}

int verb_plugin(struct flags *f)
{
	struct plugin p = { .n = 0 };
	uint64_t r0 = 0;
	int r = EXIT_FAILED;

	if (take_inputs(&p, f))
		r = f->o.unverified ? run_lenient(f, &p, &r0) : run(f, &p, f->execution, &r0);
	if (r == EXIT_GOOD)
		printf("%llx\n", (unsigned long long)r0);
	free(p.program);
	free(p.mem);
	return r;
}
