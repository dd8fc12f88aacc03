/* Locks of maps: one word in private memory, a robust mutex in shared memory.
 *
 * Only writers lock, for some tens of nanoseconds. A private lock is a word: taken by
 * compare-and-swap and given back by a plain store (inline in room.h), which is why nobody sleeps on
 * it: who waits spins a little, then lets others run, then naps, as the holder may have been
 * interrupted. A thread of this process that dies takes the map with it, so nothing more is needed.
 *
 * A shared lock may be held by a process that is killed. The kernel walks the robust list of a
 * dying thread and marks its mutexes; the next one that locks hears EOWNERDEAD, lets the kind
 * repair what that lock guards, and marks the mutex consistent. Repair may be killed too: then the
 * next one repairs.
 */
#include "maps/room.h"

#include <sched.h>
#include <time.h>

enum { SPINS = 100, YIELDS = 50, NAP_NS = 50000 };

static void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static bool take_word(u32 *word)
{
	u32 open = 0;

	return __atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
	       __atomic_compare_exchange_n(word, &open, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void lock_word(u32 *word)
{
	struct timespec nap = { 0, NAP_NS };

	for (u32 i = 0; !take_word(word); i++) {
		if (i < SPINS)
			pause_cpu();
		else if (i < SPINS + YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
}

/* After a lock call of a robust mutex: true if it is held now. */
static bool take_over(struct maps_map *m, struct maps_lock *l, int result)
{
	if (result == EOWNERDEAD) {
		if (m->ops->repair)
			m->ops->repair(m, (u32)(l - m->locks));
		pthread_mutex_consistent(&l->robust);
		return true;
	}
	return result == 0;
}

void maps_lock_slow(struct maps_map *m, struct maps_lock *l)
{
	if (!m->is_shared) {
		lock_word(&l->word);
		return;
	}
	/* Whatever else a mutex answers, another process wrote over it: there is no way to go on
	 * but to wait for one that is whole. */
	while (!take_over(m, l, pthread_mutex_lock(&l->robust)))
		sched_yield();
}

void maps_unlock_shared(struct maps_lock *l)
{
	pthread_mutex_unlock(&l->robust);
}

bool maps_lock_try(struct maps_map *m, struct maps_lock *l)
{
	u32 open = 0;

	if (m->is_shared)
		return take_over(m, l, pthread_mutex_trylock(&l->robust));
	return __atomic_compare_exchange_n(&l->word, &open, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

int maps_locks_init(struct maps_map *m)
{
	pthread_mutexattr_t attr;
	int err;

	if (!m->is_shared)
		return 0;
	err = pthread_mutexattr_init(&attr);
	if (err)
		return -err;
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (u32 i = 0; i < m->n_locks && !err; i++)
		err = pthread_mutex_init(&m->locks[i].robust, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}
