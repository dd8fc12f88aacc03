/* control: the session's side of the tracer: starting it, hearing it, telling it to stop.
 *
 * The tracer gets one end of a socket. Its first message says whether it holds what it shall; later one byte to it means stop, and one
 * back that it has. When the socket closes on one side, the other knows what happened.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/tracer.h"

#define BLIND_MS 20 /* how often an end is looked for without a tracer */

/* ---- starting and stopping ------------------------------------------------------------------ */

static bool needs_tracer(const struct engine *u)
{
	for (u32 i = 0; i < u->n_progs; i++)
		if (u->progs[i].vm && u->progs[i].event != USER_EV_NONE)
			return true;
	return false;
}

static int start(struct engine *u, struct err *e)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return err_set(e, -errno, USER_ROOM, "no socket to the tracer: %m");
	u->tracer = fork();
	if (u->tracer == 0) {
		close(fds[0]);
		tracer_main(u, fds[1]);
	}
	close(fds[1]);
	u->control = fds[0];
	if (u->tracer > 0)
		return 0;
	u->tracer = 0;
	return err_set(e, -EAGAIN, USER_ROOM, "no process for the tracer: %m");
}

/* The whole system cannot be had; of it, what was named can. */
static int narrow_scope(struct engine *u, struct err *e)
{
	if (u->scope != RT_SCOPE_ALL)
		return 0;
	if (!u->cmd.pid && !u->n_pids)
		return err_set(
			e, -SKEP_EUNSUPPORTED, USER_ROOM,
			"the user engine traces a command (-- CMD) or processes (-p PID); only "
			"the kernel sees all of them (--engine kern)");
	u->scope = u->cmd.pid ? RT_SCOPE_COMMAND : RT_SCOPE_PIDS;
	user_note(u, "the user engine sees %s, not the whole system",
		  u->cmd.pid ? "the command and its descendants" : "the processes given by -p");
	return 0;
}

int user_attach(void *self, struct err *e)
{
	struct engine *u = self;
	struct err said;
	ssize_t got;
	int err;

	if (!needs_tracer(u))
		return 0;
	err = narrow_scope(u, e);
	err = err ? err : start(u, e);
	if (err)
		return err;
	do
		got = recv(u->control, &said, sizeof(said), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(said))
		return err_set(e, -EIO, USER_ROOM, "the tracer ended before it began");
	if (said.code && e)
		*e = said;
	return said.code;
}

/* One that has nothing to hold any more ends at once; else it stays for as long as it is needed, and is
 * left to init. */
static void collect(struct engine *u)
{
	int status;

	while (u->tracer && waitpid(u->tracer, &status, 0) < 0 && errno == EINTR)
		;
	u->tracer = 0;
}

int user_detach(void *self, struct err *e)
{
	struct engine *u = self;
	char byte = TRACER_STAYS;
	ssize_t got;

	(void)e;
	if (u->control < 0 || u->detached)
		return 0;
	u->detached = true;
	got = send(u->control, &byte, 1, MSG_NOSIGNAL);
	do
		got = got < 0 ? 0 : recv(u->control, &byte, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got <= 0 || byte != TRACER_STAYS)
		collect(u);
	return 0;
}

/* ---- notes ---------------------------------------------------------------------------------- */

void user_note(struct engine *u, const char *fmt, ...)
{
	u32 i = __atomic_fetch_add(&u->shared->n_notes, 1, __ATOMIC_SEQ_CST);
	va_list ap;

	if (i >= ARRAY_LEN(u->shared->notes))
		return;
	va_start(ap, fmt);
	vsnprintf(u->shared->notes[i], sizeof(u->shared->notes[i]), fmt, ap);
	va_end(ap);
}

static void tell_notes(struct engine *u)
{
	struct user_shared *s = u->shared;
	u32 n = __atomic_load_n(&s->n_notes, __ATOMIC_SEQ_CST);

	for (; s->n_told < n && s->n_told < ARRAY_LEN(s->notes); s->n_told++)
		if (u->note)
			u->note(u->note_arg, s->notes[s->n_told]);
}

/* ---- events --------------------------------------------------------------------------------- */

/* Those that were asked for by number, without a tracer that would know. */
static bool pids_ended(const struct engine *u)
{
	for (u32 i = 0; i < u->n_pids; i++) {
		char state = task_state((pid_t)u->pids[i]);

		if (state != 'X' && state != 'Z')
			return false;
	}
	return u->n_pids != 0;
}

static bool all_ended(struct engine *u)
{
	bool done = __atomic_load_n(&u->shared->done, __ATOMIC_SEQ_CST) != 0;

	if (u->scope == RT_SCOPE_COMMAND)
		return u->cmd.released && (u->control < 0 || done) && user_command_status(u) >= 0;
	return u->control >= 0 ? done : pids_ended(u);
}

static s64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (s64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_any(struct engine *u, int timeout_ms, int wake_fd, struct err *e)
{
	s64 end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms, left;
	bool is_blind = (u->cmd.pid || u->n_pids) && u->control < 0;
	struct arena_mark mark = arena_mark(u->a);
	struct pollfd *fds = arena_array_of(u->a, struct pollfd, u->n_maps + 3);
	bool is_dead;
	u32 n = 0;
	u64 news;
	int got;

	fds[n++] = (struct pollfd){ .fd = u->control, .events = u->detached ? 0 : POLLIN };
	fds[n++] = (struct pollfd){ .fd = u->wake, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
	for (u32 i = 0; i < u->n_maps; i++)
		if (user_is_output(u, i))
			fds[n++] =
				(struct pollfd){ .fd = maps_wait_fd(u->maps[i]), .events = POLLIN };
	do {
		left = end == INT64_MAX ? -1 : end - now_ms();
		if (left < 0 && end != INT64_MAX)
			left = 0;
		got = poll(fds, n,
			   is_blind && (left < 0 || left > BLIND_MS) ? BLIND_MS : (int)left);
	} while (got == 0 && is_blind && !all_ended(u) && (left < 0 || left > BLIND_MS));
	is_dead = got > 0 && !u->detached && fds[0].revents & (POLLIN | POLLHUP);
	arena_release(u->a, mark);
	if (got < 0 && errno != EINTR)
		return err_set(e, -errno, USER_ROOM, "waiting for events failed: %m");
	(void)!read(u->wake, &news, sizeof(news));
	if (is_dead && !__atomic_load_n(&u->shared->done, __ATOMIC_SEQ_CST))
		return err_set(e, -EIO, USER_ROOM, "the tracer process was ended from outside");
	return 0;
}

int user_poll(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg, bool *out_done,
	      struct err *e)
{
	struct engine *u = self;
	bool ended;
	int err;

	*out_done = false;
	u->record = fn;
	u->record_arg = arg;
	err = u->more || all_ended(u) ? 0 : wait_any(u, timeout_ms, wake_fd, e);
	/* Asked before the ring is emptied: what they sent before they ended is in it. */
	ended = all_ended(u);
	err = err ? err : user_consume(u, e);
	tell_notes(u);
	*out_done = ended && !u->more;
	return err;
}
