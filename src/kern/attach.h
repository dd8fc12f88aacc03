/* attach.h: what the files that attach programs share (private to kern). */
#ifndef SKEP_KERN_ATTACH_H
#define SKEP_KERN_ATTACH_H

#include "kern/room.h"

struct attaching {
	struct kern *k;
	const struct obj_prog *prog;
	struct kern_prog *kp;
	struct err *e;
};

/* "program 'x' (event): WHY" */
int kern_refuse(struct attaching *x, int code, const char *why);
/* The same of an attachment that the kernel refused. */
int kern_attach_failed(struct attaching *x, int err);
/* A new attachment, with nothing in it yet. */
struct kern_link *kern_link_new(struct kern *k);
/* attach.c: a kprobe or kretprobe at the point's function; what the kernel says. */
int kern_probe_function(struct attaching *x);

/* hook.c: devices, control groups, sockets, namespaces, iterators, many functions at once. */
int kern_ready_device(struct attaching *x);
int kern_attach_xdp(struct attaching *x);
int kern_attach_tc(struct attaching *x);
int kern_attach_socket(struct attaching *x);
int kern_ready_hook(struct attaching *x);
int kern_attach_hook(struct attaching *x);
int kern_attach_iter(struct attaching *x);
bool kern_is_multi(const struct obj_prog *p);
int kern_attach_multi(struct attaching *x);
/* Takes a filter back that kernels before 6.6 keep beside their links. */
void kern_tc_drop(struct kern_tc *tc);

#endif
