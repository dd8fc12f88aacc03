/* ring: events come out.
 *
 * One wait watches four things: the ring buffer, the caller's wake-up descriptor, the end of the
 * command, and the ends of the processes asked for by number. The run is done when the command has
 * ended (its descendants may go on, as with other tracers) or all of those processes have, and the
 * ring has been emptied once more after that: what they did before their end is in it by then.
 *
 * A poll delivers a bounded number of records, so that a storm of them cannot keep the caller from
 * looking at its clock and signals.
 */
#include "kern/room.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUDGET	    65536u /* records of one poll */
#define NO_PIDFD_MS 20	   /* how often an end is looked for on kernels without pidfds */

int kern_ring_counted(struct kern *k)
{
	if (--k->budget)
		return 0;
	k->more = true;
	return -ECANCELED;
}

static int deliver(void *self, void *data, size_t size)
{
	struct kern *k = self;
	int err = k->record(k->record_arg, data, (u32)size);

	return err < 0 ? err : kern_ring_counted(k);
}

int kern_ring_open(struct kern *k, struct err *e)
{
	u32 map = k->obj->ring;

	if (map == OBJ_NONE)
		return kern_outputs_open(k, e);
	if (map >= k->n_maps || k->maps[map] < 0)
		return err_set(e, -SKEP_EBADFILE, KERN_ROOM, "the object has no event ring");
	k->ring = ring_buffer__new(k->maps[map], deliver, k, NULL);
	if (!k->ring)
		return err_set(e, -errno, KERN_ROOM, "the event ring cannot be mapped: %m");
	return kern_outputs_open(k, e);
}

void kern_ring_close(struct kern *k)
{
	kern_outputs_close(k);
	ring_buffer__free(k->ring);
	k->ring = NULL;
}

/* Delivers what is in the ring, up to the budget. */
static int consume(struct kern *k, struct err *e)
{
	int got;

	k->more = false;
	k->budget = BUDGET;
	got = kern_outputs_consume(k);
	if (got >= 0 && k->ring)
		got = ring_buffer__consume(k->ring);
	if (got >= 0 || k->more)
		return 0;
	return err_set(e, got, KERN_ROOM, "an event could not be handled: %s", strerror(-got));
}

/* ---- waiting -------------------------------------------------------------------------------- */

static bool pid_ended(struct kern *k, u32 i)
{
	struct pollfd p = { .fd = k->pidfds[i], .events = POLLIN };

	if (!k->pids[i])
		return true;
	if (k->pidfds[i] >= 0 ? poll(&p, 1, 0) > 0 : kill((pid_t)k->pids[i], 0) && errno == ESRCH) {
		if (k->pidfds[i] >= 0)
			close(k->pidfds[i]);
		k->pidfds[i] = -1;
		k->pids[i] = 0;
		return true;
	}
	return false;
}

/* Have the traced processes ended? Without any (the whole system) they never do. */
static bool all_ended(struct kern *k)
{
	bool all = true;

	if (k->cmd.pid)
		return k->cmd.released && kern_command_ended(k);
	for (u32 i = 0; i < k->n_pids; i++)
		all &= pid_ended(k, i);
	return k->n_pids && all;
}

/* Fills `fds` with what to wait for; *out_blind when an end cannot be waited for. */
static u32 watch(struct kern *k, struct pollfd *fds, int wake_fd, bool *out_blind)
{
	u32 n = 0;

	*out_blind = false;
	if (wake_fd >= 0)
		fds[n++] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
	if (k->ring)
		fds[n++] =
			(struct pollfd){ .fd = ring_buffer__epoll_fd(k->ring), .events = POLLIN };
	for (struct kern_output *out = k->outputs; out; out = out->next)
		if (out->perf)
			fds[n++] = (struct pollfd){ .fd = perf_buffer__epoll_fd(out->perf),
						    .events = POLLIN };
	if (k->cmd.pid && k->cmd.pidfd >= 0)
		fds[n++] = (struct pollfd){ .fd = k->cmd.pidfd, .events = POLLIN };
	if (k->cmd.pid && k->cmd.pidfd < 0)
		*out_blind = true;
	for (u32 i = 0; !k->cmd.pid && i < k->n_pids; i++) {
		if (k->pidfds[i] >= 0)
			fds[n++] = (struct pollfd){ .fd = k->pidfds[i], .events = POLLIN };
		else if (k->pids[i])
			*out_blind = true;
	}
	return n;
}

static s64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (s64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until something is there or the time is over. A signal ends the wait: the caller decides.
 */
static int wait_any(struct kern *k, int timeout_ms, int wake_fd, struct err *e)
{
	struct arena_mark mark = arena_mark(k->a);
	struct pollfd *fds = arena_array_of(k->a, struct pollfd, k->n_pids + k->n_maps + 3);
	s64 end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms, left;
	bool is_blind;
	u32 n = watch(k, fds, wake_fd, &is_blind);
	int got, slice;

	do {
		left = end == INT64_MAX ? -1 : end - now_ms();
		slice = end == INT64_MAX ? -1 : left > 0 ? (int)left : 0;
		if (is_blind && (slice < 0 || slice > NO_PIDFD_MS))
			slice = NO_PIDFD_MS;
		got = poll(fds, n, slice);
	} while (got == 0 && is_blind && !all_ended(k) && (left < 0 || left > NO_PIDFD_MS));
	arena_release(k->a, mark);
	if (got < 0 && errno != EINTR)
		return err_set(e, -errno, KERN_ROOM, "waiting for events failed: %m");
	return 0;
}

int kern_poll(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg, bool *out_done,
	      struct err *e)
{
	struct kern *k = self;
	bool ended;
	int err;

	*out_done = false;
	k->record = fn;
	k->record_arg = arg;
	err = kern_iters_read(k, out_done, e);
	if (err || *out_done)
		return err;
	err = k->more || all_ended(k) ? 0 : wait_any(k, timeout_ms, wake_fd, e);
	/* Asked before the ring is emptied: what they sent before they ended is in it. */
	ended = all_ended(k);
	err = err ? err : consume(k, e);
	*out_done = ended && !k->more;
	return err;
}
