/* btfront: the bpftrace language, from script to ir.
 *
 * Parse, resolve and type the whole script, expand probes, lower each to ir; declare maps and the plan of
 * events in the obj. Structs and kernel types come from the shared type model; C parts of a script go
 * through cfront.
 */
#ifndef SKEP_BTFRONT_H
#define SKEP_BTFRONT_H

#include "base/base.h"
#include "ir/ir.h"
#include "obj/obj.h"
#include "probes/probes.h"
#include "types/types.h"

struct bt_options {
	struct arena *a;
	struct diags *dx;
	struct sources *ss;
	struct ty_table *types;
	struct probes_machine *machine;
	struct ty_btf *(*btf)(void *arg);     /* as in struct cf_options */
	void *btf_arg;
	const str *include_dirs;              /* for the C part */
	u32 n_include_dirs;
	const str *params;                    /* positional parameters $1… */
	u32 n_params;
	u32 strlen_max;                       /* capacity of strings; 0: the script's, or the default */
	u32 cpid;                             /* of the traced command; 0: none */
	bool is_safe;                         /* refuse system(), signal() and their like */
	bool is_old;                          /* as bpftrace 0.17: decisions/021 */
};
struct bt_unit;

/* Parses and types a script. Mistakes are diagnostics; NULL only when nothing could be read. */
struct bt_unit *bt_parse(const struct bt_options *o, struct source *src);
void bt_dump_ast(const struct bt_unit *u, struct sbuf *out);
bool bt_dump_tokens(const struct bt_options *o, struct source *src, struct sbuf *out);

/* One attach point of a probe after expansion; a probe with a list has several. */
struct bt_probe { struct probes_point want; struct span span; };
u32 bt_probe_count(const struct bt_unit *u);
const struct bt_probe *bt_probe_at(const struct bt_unit *u, u32 i);

/* As cf_lower: `list[i]` binds probe i (all of them, in order). */
struct bt_attachment {
	struct probes_binding binding;
	bool guarded;
	bool is_absent;       /* this machine has no such point: bt_may_be_absent said that it may be left out */
};
/* May this attach point be missing on the machine? Others of its list run at what is there. */
bool bt_may_be_absent(const struct bt_unit *u, u32 i);
/* Points of one list share this number. */
u32 bt_list_of(const struct bt_unit *u, u32 i);
bool bt_lower(struct bt_unit *u, const struct bt_attachment *list, u32 n, struct obj *o,
	      struct ir_module *m);

#endif
