/* rings inside the room: ring.c serves the ring buffer and each slot of a perf event array. */
#ifndef SKEP_MAPS_RING_H
#define SKEP_MAPS_RING_H

#include "maps/room.h"

#define RING_PAGE 4096u

/* The page before the data. Positions only grow; the place is position & (size - 1). */
struct ring {
	u64 producer __attribute__((aligned(64)));
	u64 pending; /* nothing before it is busy */
	u64 lost;    /* records that found no room */
	u64 consumer __attribute__((aligned(64)));
	u32 reading; /* somebody consumes */
	u32 bytes __attribute__((aligned(64)));
	s32 wake_fd;
};

int maps_rings_init_all(struct maps_map *m);
void maps_rings_close_all(struct maps_map *m);
struct ring *maps_rings_at(struct maps_map *m, u32 i);
void *maps_rings_reserve(struct maps_map *m, u32 i, u64 size);
int maps_rings_consume(struct ring *r, maps_record_fn fn, void *arg);

#endif
