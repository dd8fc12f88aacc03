/* LPM trie: the value of the longest stored prefix of a key (IP addresses and the like).
 *
 * A binary trie with one node for each stored prefix and one for each place where two of them part
 * (`is_fork`: no value). A child's prefix continues its parent's; which child a key goes to is its
 * bit behind the parent's prefix. Nodes stand in one array, twice as many as entries.
 *
 * One lock for writers. Readers go without: each change is one store of a link, removals are
 * counted in `seq` before the node is used again, and a reader believes what it saw if `seq` stood
 * still; after some tries it takes the lock.
 *
 * A killed writer leaves at most nodes that nothing leads to: repair marks what the root leads to
 * and frees the rest. Keys are walked as the kernel does: below first, then the node itself.
 */
#include "maps/room.h"

enum { LPM_NODES, LPM_STATE };
#define TRIES	  64
#define MAX_DATA  256u
#define MAX_DEPTH (MAX_DATA * 8 + 2)

struct node {
	u32 child[2]; /* a free one: child[0] is the next free one */
	u32 len;      /* bits of its prefix */
	u32 is_fork, marked, pad;
};
struct state {
	u32 root, first, fresh, n;
};
/* A key taken apart. */
struct prefix {
	u32 len;
	u8 data[MAX_DATA];
};

static struct node *node_at(const struct maps_map *m, u32 i)
{
	return (struct node *)(void *)(m->at[LPM_NODES] + (u64)i * m->stride);
}

static u8 *data_of(struct node *x)
{
	return (u8 *)(x + 1);
}

static void *value_of(const struct maps_map *m, u32 i)
{
	return (u8 *)node_at(m, i) + m->value_off;
}

static struct state *state_of(const struct maps_map *m)
{
	return (struct state *)(void *)m->at[LPM_STATE];
}

static u32 data_bytes(const struct maps_map *m)
{
	return m->spec.key_size - 4;
}

static bool is_node(const struct maps_map *m, u32 i)
{
	return i - 1 < m->n_elems;
}

static int lpm_check(const struct maps_spec *s, const char **out_why)
{
	if (!(s->flags & MAPS_F_NO_PREALLOC))
		*out_why = "an LPM trie needs the flag BPF_F_NO_PREALLOC";
	else if (s->key_size < 5 || s->key_size > 4 + MAX_DATA)
		*out_why = "its key is a prefix length of 4 bytes and 1 to 256 bytes of data";
	if (!s->max_entries || !(s->flags & MAPS_F_NO_PREALLOC) ||
	    s->flags & ~(MAPS_F_NO_PREALLOC | MAPS_F_NUMA_NODE | MAPS_F_ACCESS) ||
	    s->key_size < 5 || s->key_size > 4 + MAX_DATA || !s->value_size ||
	    s->value_size > MAPS_PIECE_MAX - MAX_DATA - 64)
		return -EINVAL;
	*out_why = "it has too many entries";
	return s->max_entries > (1u << 31) - 2 ? -ENOMEM : 0;
}

static void lpm_layout(struct maps_map *m)
{
	m->n_locks = 1;
	m->n_elems = m->spec.max_entries * 2 + 2;
	m->value_off = (u32)(sizeof(struct node) + round_up(data_bytes(m), 8));
	m->stride = m->value_off + m->value_pad;
	maps_part(m, LPM_NODES, (u64)m->n_elems + 1, m->stride);
	maps_part(m, LPM_STATE, 1, sizeof(struct state));
}

static int lpm_init(struct maps_map *m)
{
	state_of(m)->fresh = 1;
	return 0;
}

/* ---- bits ----------------------------------------------------------------------------------- */

static u32 bit_of(const u8 *data, u32 i)
{
	return data[i / 8] >> (7 - i % 8) & 1;
}

/* How many bits, at most `limit`, a node's data and a key have in common. The node may be in use by
 * a writer, so it is read by words. */
static u32 common(struct node *x, const u8 *key, u32 bytes, u32 limit)
{
	const u64 *words = (const u64 *)(void *)data_of(x);

	for (u32 at = 0; at * 8 < limit; at += 8) {
		u64 diff = maps_load64(words++) ^ maps_word(key, at, bytes);
		u32 same;

		if (!diff)
			continue;
		same = at * 8 + (u32)__builtin_clzll(__builtin_bswap64(diff));
		return same < limit ? same : limit;
	}
	return limit;
}

static bool take_apart(const struct maps_map *m, const void *key, struct prefix *out)
{
	memcpy(&out->len, key, 4);
	memcpy(out->data, (const u8 *)key + 4, data_bytes(m));
	return out->len <= data_bytes(m) * 8;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static u32 take(struct maps_map *m)
{
	struct state *st = state_of(m);
	u32 i = st->first;

	if (is_node(m, i)) {
		st->first = maps_load(&node_at(m, i)->child[0]);
		return i;
	}
	return is_node(m, st->fresh) ? st->fresh++ : 0;
}

/* Nothing leads to the node any more. */
static void give(struct maps_map *m, u32 i)
{
	struct state *st = state_of(m);

	maps_store(&m->locks[0].seq, m->locks[0].seq + 1);
	maps_store(&node_at(m, i)->child[0], st->first);
	st->first = i;
}

static u32 new_node(struct maps_map *m, const u8 *data, u32 len, const void *value)
{
	u32 i = take(m);
	struct node *x;

	if (!i)
		return 0;
	x = node_at(m, i);
	maps_store(&x->child[0], 0);
	maps_store(&x->child[1], 0);
	maps_store(&x->len, len);
	maps_store(&x->is_fork, !value);
	maps_copy_in(data_of(x), data, data_bytes(m));
	if (value)
		maps_copy_in(value_of(m, i), value, m->spec.value_size);
	return i;
}

/* Marks what the root leads to, takes everything else as free, and counts anew. */
static void lpm_repair(struct maps_map *m, u32 lock)
{
	u32 stack[MAX_DEPTH + 2], n = 0;
	struct state *st = state_of(m);
	struct node *x;

	(void)lock;
	for (u32 i = 1; i <= m->n_elems; i++)
		node_at(m, i)->marked = 0;
	st->n = 0;
	stack[n++] = st->root;
	while (n) {
		u32 i = stack[--n];

		if (!is_node(m, i) || node_at(m, i)->marked || n + 2 > ARRAY_LEN(stack))
			continue;
		x = node_at(m, i);
		x->marked = 1;
		st->n += !x->is_fork;
		stack[n++] = x->child[0];
		stack[n++] = x->child[1];
	}
	st->first = 0;
	for (u32 i = 1; i < st->fresh && i <= m->n_elems; i++)
		if (!node_at(m, i)->marked)
			give(m, i);
}

/* ---- operations ----------------------------------------------------------------------------- */

/* The longest stored prefix of `p`, or 0. */
static u32 walk(struct maps_map *m, const struct prefix *p)
{
	u32 i = maps_load(&state_of(m)->root), found = 0, len, limit;

	for (u32 steps = 0; is_node(m, i) && steps < MAX_DEPTH; steps++) {
		struct node *x = node_at(m, i);

		len = maps_load(&x->len);
		limit = len < p->len ? len : p->len;
		if (common(x, p->data, data_bytes(m), limit) < len)
			break;
		if (!maps_load(&x->is_fork))
			found = i;
		if (len >= p->len)
			break;
		i = maps_load(&x->child[bit_of(p->data, len)]);
	}
	return found;
}

/* A node and what `seq` was; checked, or found under the lock. */
static u32 find(struct maps_map *m, const struct prefix *p, u32 *out_seq)
{
	struct maps_lock *l = &m->locks[0];
	u32 i;

	for (u32 tries = 0; tries < TRIES; tries++) {
		*out_seq = maps_load(&l->seq);
		i = walk(m, p);
		if (maps_load(&l->seq) == *out_seq)
			return i;
	}
	maps_lock(m, l);
	*out_seq = l->seq;
	i = walk(m, p);
	maps_unlock(m, l);
	return i;
}

static void *lpm_lookup(struct maps_map *m, u32 slot, const void *key)
{
	struct prefix p;
	u32 seq, i;

	(void)slot;
	if (!take_apart(m, key, &p))
		return NULL;
	i = find(m, &p, &seq);
	return i ? value_of(m, i) : NULL;
}

static int lpm_sys_lookup(struct maps_map *m, const void *key, void *out)
{
	struct maps_lock *l = &m->locks[0];
	struct prefix p;
	u32 seq, i;

	if (!take_apart(m, key, &p))
		return -ENOENT;
	for (u32 tries = 0; tries < TRIES; tries++) {
		i = find(m, &p, &seq);
		if (!i)
			return -ENOENT;
		maps_copy_out(out, value_of(m, i), m->spec.value_size);
		if (maps_load(&l->seq) == seq)
			return 0;
	}
	maps_lock(m, l);
	i = walk(m, &p);
	if (i)
		maps_copy_out(out, value_of(m, i), m->spec.value_size);
	maps_unlock(m, l);
	return i ? 0 : -ENOENT;
}

/* The link where `p` belongs; *out_same is how many bits it shares with the node there. */
static u32 *place_of(struct maps_map *m, const struct prefix *p, u32 *out_same)
{
	u32 *link = &state_of(m)->root;

	*out_same = 0;
	while (is_node(m, *link)) {
		struct node *x = node_at(m, *link);
		u32 limit = x->len < p->len ? x->len : p->len;

		*out_same = common(x, p->data, data_bytes(m), limit);
		if (*out_same != x->len || x->len == p->len)
			break;
		link = &x->child[bit_of(p->data, x->len)];
	}
	return link;
}

/* Puts a new prefix in front of, or beside, the node at `link`. */
static int part(struct maps_map *m, u32 *link, u32 same, const struct prefix *p, u32 i)
{
	u32 old = *link, fork;
	struct node *x = node_at(m, i);

	if (is_node(m, old) && same == p->len) {
		maps_store(&x->child[bit_of(data_of(node_at(m, old)), same)], old);
		maps_store(link, i);
		return 0;
	}
	if (!is_node(m, old)) {
		maps_store(link, i);
		return 0;
	}
	fork = new_node(m, p->data, same, NULL);
	if (!fork) {
		give(m, i);
		return -ENOMEM;
	}
	maps_store(&node_at(m, fork)->child[bit_of(p->data, same)], i);
	maps_store(&node_at(m, fork)->child[!bit_of(p->data, same)], old);
	maps_store(link, fork);
	return 0;
}

static int put(struct maps_map *m, const struct prefix *p, const void *value, u64 flags)
{
	struct state *st = state_of(m);
	u32 same, *link = place_of(m, p, &same), old = *link, i;
	bool exact = is_node(m, old) && node_at(m, old)->len == p->len && same == p->len;
	bool exists = exact && !node_at(m, old)->is_fork;
	int err;

	if (exists && flags == MAPS_NOEXIST)
		return -EEXIST;
	if (!exists && flags == MAPS_EXIST)
		return -ENOENT;
	if (!exists && st->n >= m->spec.max_entries)
		return -ENOSPC;
	i = new_node(m, p->data, p->len, value);
	if (!i)
		return -ENOMEM;
	if (!exact) {
		err = part(m, link, same, p, i);
		st->n += !err;
		return err;
	}
	maps_store(&node_at(m, i)->child[0], node_at(m, old)->child[0]);
	maps_store(&node_at(m, i)->child[1], node_at(m, old)->child[1]);
	maps_store(link, i);
	give(m, old);
	st->n += !exists;
	return 0;
}

static int lpm_update(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags)
{
	struct prefix p;
	int err;

	(void)slot;
	if (flags > MAPS_EXIST || !take_apart(m, key, &p))
		return -EINVAL;
	maps_lock(m, &m->locks[0]);
	err = put(m, &p, value, flags);
	maps_unlock(m, &m->locks[0]);
	return err;
}

static int drop(struct maps_map *m, const struct prefix *p)
{
	u32 *link = &state_of(m)->root, *up = NULL, i, parent = 0;
	struct node *x;

	while (is_node(m, *link)) {
		x = node_at(m, *link);
		if (common(x, p->data, data_bytes(m), x->len < p->len ? x->len : p->len) !=
			    x->len ||
		    x->len == p->len)
			break;
		up = link;
		parent = *link;
		link = &x->child[bit_of(p->data, x->len)];
	}
	i = *link;
	if (!is_node(m, i))
		return -ENOENT;
	x = node_at(m, i);
	if (x->len != p->len || x->is_fork || common(x, p->data, data_bytes(m), p->len) != p->len)
		return -ENOENT;
	state_of(m)->n--;
	if (x->child[0] && x->child[1]) {
		maps_store(&x->is_fork, 1);
		return 0;
	}
	if (up && !x->child[0] && !x->child[1] && node_at(m, parent)->is_fork) {
		struct node *y = node_at(m, parent);

		maps_store(up, y->child[y->child[0] == i]);
		give(m, i);
		give(m, parent);
		return 0;
	}
	maps_store(link, x->child[0] ? x->child[0] : x->child[1]);
	give(m, i);
	return 0;
}

static int lpm_remove(struct maps_map *m, const void *key)
{
	struct prefix p;
	int err;

	if (!take_apart(m, key, &p))
		return -EINVAL;
	maps_lock(m, &m->locks[0]);
	err = drop(m, &p);
	maps_unlock(m, &m->locks[0]);
	return err;
}

/* The first node with a value at or below `i`: as deep as it goes, lower child first. */
static u32 deepest(struct maps_map *m, u32 i)
{
	u32 found = 0;

	while (is_node(m, i)) {
		struct node *x = node_at(m, i);

		found = x->is_fork ? found : i;
		i = x->child[0] || x->is_fork ? x->child[0] : x->child[1];
	}
	return found;
}

/* The node that comes behind `p`, or the first one when `p` is not stored. */
static u32 next_of(struct maps_map *m, const struct prefix *p)
{
	u32 path[MAX_DEPTH], n = 0, i = state_of(m)->root, same = 0;

	while (is_node(m, i) && n < MAX_DEPTH) {
		struct node *x = node_at(m, i);

		path[n++] = i;
		same = common(x, p->data, data_bytes(m), x->len < p->len ? x->len : p->len);
		if (same != x->len || x->len == p->len)
			break;
		i = x->child[bit_of(p->data, x->len)];
	}
	if (!is_node(m, i) || node_at(m, i)->len != p->len || same != p->len ||
	    node_at(m, i)->is_fork)
		return deepest(m, state_of(m)->root);
	for (n--; n; n--) {
		struct node *up = node_at(m, path[n - 1]);

		if (up->child[0] == path[n] && up->child[1])
			return deepest(m, up->child[1]);
		if (!up->is_fork)
			return path[n - 1];
	}
	return 0;
}

static int lpm_sys_next(struct maps_map *m, const void *key, void *out)
{
	bool known;
	struct prefix p;
	u32 i;

	known = key && take_apart(m, key, &p);
	maps_lock(m, &m->locks[0]);
	i = known ? next_of(m, &p) : deepest(m, state_of(m)->root);
	if (i) {
		memcpy(out, &node_at(m, i)->len, 4);
		maps_copy_out((u8 *)out + 4, data_of(node_at(m, i)), data_bytes(m));
	}
	maps_unlock(m, &m->locks[0]);
	return i ? 0 : -ENOENT;
}

const struct maps_ops maps_lpm_ops = { .check = lpm_check,
				       .layout = lpm_layout,
				       .init = lpm_init,
				       .repair = lpm_repair,
				       .lookup = lpm_lookup,
				       .update = lpm_update,
				       .remove = lpm_remove,
				       .sys_lookup = lpm_sys_lookup,
				       .sys_next = lpm_sys_next };
