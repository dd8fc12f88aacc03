/* parse_decl.h: what parse_decl.c and parse_tag.c share (private to cfront). */
#ifndef SKEP_CFRONT_PARSE_DECL_H
#define SKEP_CFRONT_PARSE_DECL_H

#include "cfront/parse.h"

/* At `struct`, `union` or `enum`: the type; sets out->defines. */
const struct type *cfp_struct_specifier(struct parser *p, struct cf_specs *out);
const struct type *cfp_enum_specifier(struct parser *p, struct cf_specs *out);

#endif
