/* kernel.h: what a program takes from the running kernel by name (private to cfront: kernel.c, core.c). */
#ifndef SKEP_CFRONT_KERNEL_H
#define SKEP_CFRONT_KERNEL_H

#include "cfront/parse.h"

/* Gives `extern … __kconfig` its value of the running kernel. */
void cfp_kconfig(struct parser *p, struct cf_sym *v);
bool cfp_is_ksym(const struct cf_sym *s);
struct cf_expr *cfp_ksym_exists(struct parser *p, struct cf_expr *e, struct span at);
/* A function that the kernel gives to programs, declared out of BTF; NULL if there is none. */
struct cf_sym *cfp_kernel_function(struct parser *p, str name, struct span at);
/* CO-RE's questions, behind their `(` (core.c). */
struct cf_expr *cfp_core_field(struct parser *p, struct span at);
struct cf_expr *cfp_core_type(struct parser *p, struct span at);
struct cf_expr *cfp_core_enum(struct parser *p, struct span at);
/* A struct of the kernel lacks a member: is that no error, because the program asks, or did ask? */
bool cfp_core_missing(struct parser *p, const struct type *agg, str member);

#endif
