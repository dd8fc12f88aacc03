/* What one thread needs to run programs: the stack, the slot, and what helpers are told.
 *
 * The stack is one mapping of its own with a page without access on each side, so that what runs
 * over its end stops there instead of writing into memory of the host. Random numbers are
 * xorshift64*, seeded by the kernel.
 */
#include "vm/run.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

const struct vm_thread_places vm_thread_places = {
	.budget = offsetof(struct vm_thread, left),
	.fault = offsetof(struct vm_thread, fault),
	.tails = offsetof(struct vm_thread, tails),
	.slot = offsetof(struct vm_thread, maps.slot),
};

static bool map_stack(struct vm_thread *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inner = round_up(VM_STACK_BYTES, page);
	u8 *at;

	t->mapped = inner + 2 * page;
	at = mmap(NULL, t->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return false;
	t->mapping = at;
	/* The program grows downwards: its frames end where the lower guard page ends. */
	t->stack = at + page;
	return mprotect(at + page, inner, PROT_READ | PROT_WRITE) == 0;
}

struct vm_thread *vm_thread_new(u32 slot)
{
	struct vm_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->maps.slot = slot;
	if (!map_stack(t)) {
		vm_thread_free(t);
		return NULL;
	}
	if (getrandom(&t->random, sizeof(t->random), GRND_NONBLOCK) != sizeof(t->random) ||
	    !t->random)
		t->random = (u64)(uintptr_t)t | 1;
	return t;
}

void vm_thread_free(struct vm_thread *t)
{
	if (!t)
		return;
	if (t->mapping)
		munmap(t->mapping, t->mapped);
	if (t->task_object)
		munmap(t->task_object, VM_TASK_BYTES);
	free(t->regions);
	free(t);
}

void vm_thread_task(struct vm_thread *t, const struct vm_task *task)
{
	t->n_cgroups = 0;
	t->has_task = task && task->tgid != 0;
	if (t->has_task)
		t->task = *task;
	else
		memset(&t->task, 0, sizeof(t->task));
}

void vm_thread_packet(struct vm_thread *t, const struct vm_packet *packet)
{
	t->packet = packet ? *packet : (struct vm_packet){ 0 };
}

const struct vm_packet *vm_thread_get_packet(const struct vm_thread *t)
{
	return &t->packet;
}

void vm_thread_site(struct vm_thread *t, const struct vm_site *site)
{
	t->site = site ? *site : (struct vm_site){ 0 };
}

void vm_thread_set_host(struct vm_thread *t, void *host)
{
	t->host = host;
}

void *vm_thread_host(const struct vm_thread *t)
{
	return t->host;
}

void vm_thread_ops(struct vm_thread *t, const struct vm_ops *ops)
{
	t->ops = ops;
}

void vm_thread_set_retval(struct vm_thread *t, int retval)
{
	t->retval = retval;
}

int vm_thread_retval(const struct vm_thread *t)
{
	return t->retval;
}

void vm_thread_print(struct vm_thread *t, vm_print_fn fn, void *arg)
{
	t->print = fn;
	t->print_arg = arg;
}

vm_callback_fn vm_thread_callback(struct vm_thread *t, vm_callback_fn fn)
{
	vm_callback_fn before = t->callback;

	t->callback = fn;
	return before;
}

u64 *vm_thread_budget(struct vm_thread *t)
{
	return &t->left;
}

int *vm_thread_fault(struct vm_thread *t)
{
	return &t->fault;
}

u32 *vm_thread_tails(struct vm_thread *t)
{
	return &t->tails;
}

void *vm_thread_stack(struct vm_thread *t, u32 *out_bytes)
{
	*out_bytes = VM_STACK_BYTES;
	return t->stack;
}
