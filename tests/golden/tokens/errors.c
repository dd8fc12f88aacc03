/* What a reader of diagnostics sees. */
#include <linux/sched.h>
#include <bpf/bpf_helper.h>
#define TWICE(x) ((x) + (x)
#define PAIR(a, b) a##b

int a = PAIR(1);
int b = PAIR(+, 2);
char *c = "never closed;
int d = 0x1ffffffffffffffff + 08 + '\q';
int größe = 3;
#if LINUX_VERSION >= KERNEL_VERSION(5,
int e = PAIR(x,
#elif 1
#ifdef
#elsif
int f = TWICE(3
