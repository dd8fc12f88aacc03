/* rt_private.h: what the files of rt share. format.c: printf; value.c: fields and C types; table.c: maps;
 * hist.c: pictures of distributions; record.c: one record to text or JSON; loop.c: rt_run. */
#ifndef SKEP_RT_PRIVATE_H
#define SKEP_RT_PRIVATE_H

#include "rt/rt.h"

/* How a value is written: like bpftrace, or as JSON. */
enum value_style { VALUE_TEXT, VALUE_JSON };

/* `c` may be NULL: names stay numbers. */
void rt_value_field(struct sbuf *out, const struct rt_config *c, const struct obj_field *f, const void *data,
		    enum value_style s);
void rt_value_type(struct sbuf *out, const struct type *ty, const void *data, enum value_style s);
/* A member of the struct at `base`. */
void rt_value_member(struct sbuf *out, const struct ty_member *m, const char *base, enum value_style s);
/* The integer of 1, 2, 4 or 8 bytes at `p`, extended as told. */
s64 rt_value_int(const void *p, u32 size, bool is_signed);

/* Bytes as %r writes them: letters as they are; 'x': all escaped; 'h': all in hexadecimal. */
void rt_buffer(struct sbuf *out, const u8 *p, u32 n, char style);

/* Distribution of a hist()/lhist(): bucket i has `counts[i]`. */
void rt_hist_text(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
void rt_hist_json(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
#define HIST_BUCKETS 66
/* The same of a BPF_HISTOGRAM, as BCC draws it: bucket 0 and 1 hold 0 and 1, i what lies from 2^(i-1) up. */
void rt_log2_text(struct sbuf *out, const u64 *counts, u32 n);
void rt_log2_json(struct sbuf *out, const u64 *counts, u32 n);
#define LOG2_BUCKETS 65
/* Addresses up to the first 0. */
void rt_stack_text(struct sbuf *out, const char *frames, u32 size);
void rt_stack_json(struct sbuf *out, const char *frames, u32 size);


/* names.c: numbers as names. Each appends text, the number itself where it has no name. */
void rt_name_user(struct sbuf *out, struct rt_names *n, u32 uid);
void rt_name_cgroup(struct sbuf *out, struct rt_names *n, u64 id, str pattern);
void rt_name_inet(struct sbuf *out, u64 family, const void *address);
void rt_name_mac(struct sbuf *out, const u8 *mac);
void rt_name_time(struct sbuf *out, u64 boot_ns, str format);

/* Forgets what processes look like now: once a record, once a table. */
void rt_names_refresh(struct rt_names *n);

/* ksyms.c, usyms.c: addresses as symbols: "vfs_read", with `offset` "vfs_read+17"; "0x…" where there is none. `module`:
 * " (file)" behind it. */
struct rt_ksyms;
struct rt_usyms;
struct rt_ksyms *rt_ksyms_of(struct rt_names *n);
struct rt_usyms *rt_usyms_of(struct rt_names *n);
struct rt_ksyms *rt_ksyms_new(struct arena *a);
struct rt_usyms *rt_usyms_new(struct arena *a);
void rt_usyms_free(struct rt_usyms *u);
void rt_ksym(struct sbuf *out, struct rt_ksyms *k, u64 address, bool offset);
void rt_usym(struct sbuf *out, struct rt_usyms *u, u32 tgid, u64 address, bool offset, bool module);
/* Forgets what processes look like now, so that the next question reads it again; those that have ended keep what was
 * seen last. */
void rt_usyms_refresh(struct rt_usyms *u);
/* Looks at a process while it runs. */
void rt_usyms_watch(struct rt_usyms *u, u32 tgid);

/* actions.c: what a script asks for, and what comes of it. */
void rt_act_join(struct sbuf *out, const struct obj_event *ev, const void *data, u32 size);
void rt_act_cat(struct sbuf *out, str path);
void rt_act_system(struct sbuf *out, str command);

/* table.c: the last `top` entries in the order of printing (0: all), numbers divided by `div` (0: as they are). */
int rt_print_map_part(struct sbuf *out, const struct rt_config *c, u32 map, u32 top, u32 div, struct err *e);

/* stacks.c: a stack of the map that the field names, a frame a line; "" for none. */
void rt_stack_frames(struct sbuf *out, const struct rt_config *c, const struct obj_field *f, const void *at);

#endif
