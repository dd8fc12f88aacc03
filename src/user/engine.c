/* engine: the table of functions, opening and closing, and what the machine must allow.
 *
 * Usable wherever ptrace(2) of an own child is: tried once, with a child that asks to be traced.
 * There is no filter to put into programs: all that is traced is what they shall see.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/room.h"
/* Behind isa.h, which uses and gives up the name MAP_TYPE. */
#include <sys/mman.h>

int user_usable(struct probes_machine *m, struct err *e)
{
	int status = 0;
	pid_t pid;

	(void)m;
	pid = fork();
	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && status == 0)
		return 0;
	return err_set(e, -SKEP_EUNSUPPORTED, USER_ROOM,
		       "the user engine needs ptrace(2), which is forbidden here (a container's "
		       "seccomp profile, or kernel.yama.ptrace_scope = 3)");
}

static int share(struct engine *u, struct err *e)
{
	pthread_mutexattr_t attr;

	u->shared = mmap(NULL, sizeof(*u->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (u->shared == MAP_FAILED)
		u->shared = NULL;
	u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!u->shared || u->wake < 0)
		return err_set(e, -ENOMEM, USER_ROOM, "out of memory or descriptors");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&u->shared->running, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

static void close_engine(void *self)
{
	struct engine *u = self;

	if (!u)
		return;
	user_detach(u, NULL);
	user_command_close(u);
	if (u->control >= 0)
		close(u->control);
	user_unload(u);
	vm_thread_free(u->vm);
	if (u->shared)
		munmap(u->shared, sizeof(*u->shared));
	if (u->wake >= 0)
		close(u->wake);
	free(u->output);
	u->output = NULL;
	u->output_room = 0;
	u->vm = NULL;
	u->shared = NULL;
	u->wake = u->control = -1;
	u->obj = NULL;
}

static int open_engine(struct probes_machine *m, struct arena *a, void **out_self, struct err *e)
{
	struct engine *u = arena_new_of(a, struct engine);
	int err;

	u->a = a;
	u->m = m;
	u->wake = u->control = -1;
	u->cmd = (struct user_command){ .status = -1, .go = -1, .failure = -1 };
	*out_self = u;
	err = share(u, e);
	if (err)
		close_engine(u);
	return err;
}

static int prepare_scope(void *self, enum rt_scope scope, u32 *out_guard, struct err *e)
{
	struct engine *u = self;

	u->scope = scope;
	*out_guard = 0;
	(void)e;
	return 0;
}

const struct rt_engine user_engine = {
	.name = "user",
	.usable = user_usable,
	.open = open_engine,
	.bind = user_bind,
	.prepare_scope = prepare_scope,
	.load = user_load,
	.command = user_command,
	.attach = user_attach,
	.run_once = user_run_once,
	.release = user_release,
	.poll = user_poll,
	.command_pid = user_command_pid,
	.command_status = user_command_status,
	.detach = user_detach,
	.map_next = user_map_next,
	.map_lookup = user_map_lookup,
	.map_update = user_map_update,
	.map_delete = user_map_delete,
	.close = close_engine,
};
