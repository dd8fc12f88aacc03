/* session.h: what the files of api share (private). session.c: life and options; front.c: one face for both
 * languages; binary.c: programs that need no compiler; engine.c: which engine; compile.c: source to obj; judge.c: skep's
 * own verifier; program.c: programs that the caller runs; host_map.c: maps by name; helper.c: helpers of the caller; tracker.c: following processes by a map;
 * run.c: load to detach; reject.c: a verifier's refusal; dump.c: stages as text; report.c: diagnostics and errors. */
#ifndef SKEP_API_SESSION_H
#define SKEP_API_SESSION_H

#include "skep/skep.h"

#include "base/base.h"
#include "btfront/btfront.h"
#include "cfront/cfront.h"
#include "gen/gen.h"
#include "jit/jit.h"
#include "ir/ir.h"
#include "kern/kern.h"
#include "maps/maps.h"
#include "obj/obj.h"
#include "probes/probes.h"
#include "rt/rt.h"
#include "types/types.h"
#include "verify/verify.h"
#include "vm/vm.h"

enum stage { STAGE_READ, STAGE_PARSE, STAGE_BIND, STAGE_LOWER, STAGE_OPTIMISE, STAGE_GENERATE,
	     STAGE_LOAD, STAGE_ATTACH, STAGE_N };

/* One program-to-be: what a front end offers and where it was bound. */
struct bound {
	u32 program;          /* index in the front end's list */
	str name;
	struct span span;
	struct probes_point want;
	struct probes_binding binding;
	bool is_absent;       /* this machine does not have it, and its list has others */
};

struct skep {
	struct trap trap;
	bool dead;            /* out of memory, or after a bug of ours: only skep_close() */
	const void *call;     /* the arguments of the public function that runs now */
	struct arena *a, *scratch;
	struct skep_options o;/* strings copied into `a` */
	struct sources ss;
	struct diags dx;
	struct err err;
	struct ty_table *types;
	struct ty_btf *btf;
	bool btf_failed;
	struct probes_machine *machine;

	enum skep_language lang;
	struct source *src;
	struct cf_options cf_options;
	struct cf_unit *cf;
	struct bt_options bt_options;
	struct bt_unit *bt;

	const struct rt_engine *engine;
	void *engine_self;
	struct arena *engine_arena;
	u32 guard;            /* enum ir_guard */
	vec(struct bound) bounds;
	struct ir_module *m;
	struct obj *obj;
	bool compiled;
	u32 compiled_guard;   /* what the compiled programs have in front */
	bool noted_fallbacks; /* each is told once */
	bool noted_engine;

	/* Programs that the caller runs, and what they share. */
	bool attached;        /* between skep_attach() and skep_detach() */
	struct rt_loop *loop; /* then, when it has begun */
	bool judging;         /* the kernel says where events are, skep's verifier judges */
	struct maps_map **maps;           /* by the obj's numbers; NULL until made */
	u32 n_maps;
	vec(struct skep_program *) programs;
	vec(struct isa_helper) helpers;   /* of the caller */
	vec(struct vm_helper) helper_calls;
	struct vm_thread *thread;

	int stop_fd;          /* eventfd, written by skep_stop */
	struct rt_result result;
	struct rt_names *names;
	double stage_us[STAGE_N];
	char *report;         /* text handed out by skep_diagnostics */
	/* A dump of the pipeline in the making: pass name and where it goes. */
	const char *dump_pass;
	struct sbuf *dump_out;
};

/* Runs `body` with the session's trap set: out of memory and broken invariants come back as errors. */
int session_guarded(struct skep *s, int (*body)(struct skep *s));
/* Forgets the error of the call before; diagnostics stay, they belong to the one program. */
void session_begin(struct skep *s);
double session_now_us(void);
void session_note(struct skep *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct ty_btf *session_btf(void *session);
/* Detaches everything and closes the engine, if one is open. */
void session_drop_engine(struct skep *s);

/* engine.c: chooses and opens the engine. Without `must_be_usable` one that only says where events are will do. */
int session_open_engine(struct skep *s, bool must_be_usable);

/* front.c */
int front_parse(struct skep *s);
/* Fills s->bounds with what the programs want: names, sections, attach flags. */
int front_bounds(struct skep *s);
bool front_lower(struct skep *s);
/* May the i-th bound be left out when the machine does not have its event? */
bool front_may_be_absent(struct skep *s, u32 i);
/* The machine has some event of each list that lost others; tells the first that is wholly gone. */
void front_check_lists(struct skep *s);

/* compile.c */
int compile_to_tree(struct skep *s);          /* parse only */
int compile_to_obj(struct skep *s);
/* Makes the next compile begin with the source again: code generation uses up what is before it. */
void compile_forget(struct skep *s);

/* binary.c: assembly, bytecode and objects. */
bool binary_is(enum skep_language lang);
int binary_to_obj(struct skep *s);

/* judge.c: skep's own verifier on program `prog` of the obj. -SKEP_WRONG_PROGRAM with a diagnostic when it refuses. */
struct judged { struct obj_image image; struct verify_input in; struct verify_result result; };
int judge_program(struct skep *s, u32 prog, struct judged *out);
int judge_all(struct skep *s);

/* run.c: ends a run in steps, without its last words. */
void run_drop(struct skep *s);

/* program.c: the programs that skep_call() runs. */
void program_free_all(struct skep *s);

/* reject.c: a verifier's refusal as a diagnostic. Returns -SKEP_WRONG_PROGRAM. */
int reject_report(struct skep *s, const struct rt_rejection *rej);

/* set.c: writes the options' `sets` into the obj. */
int set_variables(struct skep *s);

/* tracker.c: adds the programs that keep KERN_PIDS_MAP, for IR_GUARD_PIDS. */
int tracker_lower(struct skep *s);

#endif
