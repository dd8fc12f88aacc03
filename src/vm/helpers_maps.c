/* Helpers: maps, ring buffers, perf event arrays, and those that call back. All the work is in
 * maps; here registers become arguments, and the elements that callbacks see are opened in the
 * checked mode. */
#include "vm/run.h"

#include <errno.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)
#define PTR(x) ((void *)(uintptr_t)(x))
#define MAP(x) ((struct maps_map *)(uintptr_t)(x))
#define NUM(x) ((u64)(s64)(x))

VM_HELPER(map_lookup_elem)
{
	UNUSED;
	return (u64)(uintptr_t)maps_lookup(MAP(a), &t->maps, PTR(b));
}

VM_HELPER(map_update_elem)
{
	UNUSED;
	return NUM(maps_update(MAP(a), &t->maps, PTR(b), PTR(c), d));
}

VM_HELPER(map_delete_elem)
{
	UNUSED;
	return NUM(maps_delete(MAP(a), PTR(b)));
}

VM_HELPER(map_push_elem)
{
	UNUSED;
	return NUM(maps_push(MAP(a), PTR(b), c));
}

VM_HELPER(map_pop_elem)
{
	UNUSED;
	return NUM(maps_pop(MAP(a), PTR(b)));
}

VM_HELPER(map_peek_elem)
{
	UNUSED;
	return NUM(maps_peek(MAP(a), PTR(b)));
}

VM_HELPER(map_lookup_percpu_elem)
{
	struct maps_thread other = { (u32)c };
	u32 slots = maps_spec(MAP(a))->n_slots;

	UNUSED;
	if (!isa_map_is_percpu(maps_spec(MAP(a))->type) || (u32)c >= slots)
		return 0;
	return (u64)(uintptr_t)maps_lookup(MAP(a), &other, PTR(b));
}

VM_HELPER(ringbuf_output)
{
	UNUSED;
	return NUM(maps_ring_output(MAP(a), PTR(b), c, d));
}

VM_HELPER(ringbuf_reserve)
{
	UNUSED;
	return (u64)(uintptr_t)maps_ring_reserve(MAP(a), b, c);
}

VM_HELPER(ringbuf_submit)
{
	UNUSED;
	maps_ring_submit(PTR(a), b);
	return 0;
}

VM_HELPER(ringbuf_discard)
{
	UNUSED;
	maps_ring_discard(PTR(a), b);
	return 0;
}

VM_HELPER(ringbuf_query)
{
	UNUSED;
	return maps_ring_query(MAP(a), b);
}

/* Programs on packets may ask for so many bytes of the packet behind their own. */
VM_HELPER(perf_event_output)
{
	const struct vm_packet *k = &t->packet;
	u64 most = 0xfffff, n = c >> 32 & most;

	UNUSED;
	if (!n || !k->data)
		return NUM(maps_perf_output(MAP(b), &t->maps, c, PTR(d), e));
	if (n > k->size)
		return NUM(-EFAULT);
	return NUM(
		maps_perf_output_two(MAP(b), &t->maps, c & ~(most << 32), PTR(d), e, k->data, n));
}

/* The lock is a word of the map's value; whoever holds it is in another thread and ends soon. */
VM_HELPER(spin_lock)
{
	UNUSED;
	maps_value_lock(PTR(a));
	return 0;
}

VM_HELPER(spin_unlock)
{
	UNUSED;
	__atomic_store_n((u32 *)PTR(a), 0, __ATOMIC_RELEASE);
	return 0;
}

/* ---- local storage ------------------------------------------------------------------------------
 */

enum { CREATE = 1 };

/* A program has no other task than the current one. */
static bool is_current(const struct vm_thread *t, u64 task)
{
	return task && task == (u64)(uintptr_t)t->task_object;
}

VM_HELPER(task_storage_get)
{
	UNUSED;
	if (d & ~(u64)CREATE || !is_current(t, b))
		return 0;
	return (u64)(uintptr_t)maps_storage_get(MAP(a), &t->maps, vm_task_tid(t), PTR(c),
						d & CREATE);
}

VM_HELPER(task_storage_delete)
{
	UNUSED;
	return is_current(t, b) ? NUM(maps_storage_delete(MAP(a), vm_task_tid(t))) : NUM(-EINVAL);
}

/* The verifier takes the result for a value: there is always one. */
VM_HELPER(get_local_storage)
{
	UNUSED;
	return (u64)(uintptr_t)maps_storage_get(MAP(a), &t->maps, vm_cgroup_id(t), NULL, true);
}

/* ---- calling back -------------------------------------------------------------------------------
 */

struct each {
	struct vm_thread *t;
	u64 map, func, arg;
	u32 key_size, value_size;
};

static s64 each_element(void *arg, const void *key, void *value)
{
	const struct each *x = arg;
	struct vm_thread *t = x->t;
	u64 k = (u64)(uintptr_t)key, v = (u64)(uintptr_t)value;
	u64 more;

	if (t->checked && (!vm_access_open(t, k, x->key_size, false, VM_REGION_MEM) ||
			   !vm_access_open(t, v, x->value_size, true, VM_REGION_MEM)))
		return 1;
	more = vm_run_callback(t, x->func, x->map, k, v, x->arg);
	return t->fault || more;
}

VM_HELPER(for_each_map_elem)
{
	const struct maps_spec *spec = maps_spec(MAP(a));
	struct each x = { t, a, b, c, spec->key_size, spec->value_size };

	UNUSED;
	if (d)
		return NUM(-EINVAL);
	return NUM(maps_each(MAP(a), &t->maps, each_element, &x));
}

VM_HELPER(loop)
{
	enum { MOST = 1 << 23 };
	u32 n = (u32)a, i = 0;

	UNUSED;
	if (d)
		return NUM(-EINVAL);
	if (n > MOST)
		return NUM(-E2BIG);
	while (i < n) {
		u64 stop = vm_run_callback(t, b, i, c, 0, 0);

		i++;
		if (stop || t->fault)
			break;
	}
	return i;
}

struct drain {
	struct vm_thread *t;
	u64 func, arg;
};

static int drain_record(void *arg, const void *data, u32 size)
{
	const struct drain *x = arg;
	struct vm_thread *t = x->t;
	u64 at = (u64)(uintptr_t)data;
	struct vm_dynptr p;
	u64 stop = 1;

	vm_dynptr_set(&p, at, size, VM_DYNPTR_READ_ONLY);
	if (!t->checked ||
	    (vm_access_open(t, (u64)(uintptr_t)&p, sizeof(p), false, VM_REGION_MEM) &&
	     vm_access_open(t, at, size, false, VM_REGION_MEM)))
		stop = vm_run_callback(t, x->func, (u64)(uintptr_t)&p, x->arg, 0, 0);
	if (t->checked) {
		vm_access_close(t, (u64)(uintptr_t)&p);
		vm_access_close(t, at);
	}
	return t->fault || stop;
}

VM_HELPER(user_ringbuf_drain)
{
	struct drain x = { t, b, c };

	UNUSED;
	return NUM(maps_user_drain(MAP(a), drain_record, &x, d));
}
