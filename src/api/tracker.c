/* tracker.c: following processes without a cgroup.
 *
 * Where the set of traced processes is a map, it must follow fork and exit. The programs that do so are
 * C like any user's and go through the same compiler; the engine loads them beside the user's. A process
 * leaves the set when its last thread has exited (signal->live is decremented before the event; Linux
 * kernel/exit.c, do_exit).
 */
#include "api/session.h"

static const char text[] = "BPF_HASH(" KERN_PIDS_MAP ", u32, u8, 65536);\n"
			   "RAW_TRACEPOINT_PROBE(sched_process_fork)\n"
			   "{\n"
			   "	struct task_struct *parent = (struct task_struct *)ctx->args[0];\n"
			   "	struct task_struct *child = (struct task_struct *)ctx->args[1];\n"
			   "	u32 from = parent->tgid, to = child->tgid;\n"
			   "	u8 one = 1;\n"
			   "	if (" KERN_PIDS_MAP ".lookup(&from))\n"
			   "		" KERN_PIDS_MAP ".update(&to, &one);\n"
			   "	return 0;\n"
			   "}\n"
			   "RAW_TRACEPOINT_PROBE(sched_process_exit)\n"
			   "{\n"
			   "	struct task_struct *task = (struct task_struct *)ctx->args[0];\n"
			   "	u32 tgid = task->tgid;\n"
			   "	if (task->signal->live.counter == 0)\n"
			   "		" KERN_PIDS_MAP ".delete(&tgid);\n"
			   "	return 0;\n"
			   "}\n";

int tracker_lower(struct skep *s)
{
	struct cf_options o = { .a = s->a,
				.dx = &s->dx,
				.ss = &s->ss,
				.types = s->types,
				.machine = s->machine,
				.btf = session_btf,
				.btf_arg = s };
	struct source *src = sources_add(&s->ss, STR("<skep/tracker.c>"), str_of(text));
	struct cf_unit *u = src ? cf_parse(&o, src) : NULL;
	struct cf_attachment *list;
	str license = s->obj->license;
	u32 n, map;

	if (!u || s->dx.n_errors)
		return -SKEP_WRONG_PROGRAM;
	n = cf_program_count(u);
	list = arena_array_of(s->a, struct cf_attachment, n);
	for (u32 i = 0; i < n; i++) {
		list[i].program = i;
		list[i].binding.want = list[i].binding.at = cf_program_at(u, i)->want;
	}
	if (!cf_lower(u, list, n, s->obj, s->m))
		return -SKEP_WRONG_PROGRAM;
	s->obj->license = license;
	map = obj_map_find(s->obj, STR(KERN_PIDS_MAP));
	s->obj->maps.at[map].show = OBJ_SHOW_NONE;
	return 0;
}
