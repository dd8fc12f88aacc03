/* lib.h: names that programs use without declaring them (private to cfront).
 *
 * Everything under lib/ is inside the binary as tables sorted by name; nothing is parsed unless a
 * program uses it. Where the parser meets an identifier that neither the program nor a macro knows,
 * it asks in this order: cf_lib_type, cf_lib_constant, the kernel's BTF.
 */
#ifndef SKEP_CFRONT_LIB_H
#define SKEP_CFRONT_LIB_H

#include "cfront/cfront.h"

/* lib/constants: an integer constant that exists only as a macro in the kernel's headers, or an
 * enumerator that must be known without BTF. The C compiler evaluated it when skep was built. */
struct cf_constant {
	const char *name;
	s64 value;
	u8 size;              /* bytes: 4 or 8 */
	bool is_unsigned;
};
const struct cf_constant *cf_lib_constant(str name);      /* NULL: none */
void cf_lib_constant_near(struct nearest *near);

/* Typedefs that programs take for granted: u8 … s64, bool, size_t, pid_t, uintptr_t, __be32 …;
 * always of an arithmetic type. Sizes are those of the target (LP64). */
struct cf_lib_type {
	const char *name;
	u8 size;              /* bytes: 1, 2, 4, 8, 16 */
	bool is_signed, is_bool, is_char;
	bool is_long_long;    /* of the 8-byte ones: long long rather than long */
};
const struct cf_lib_type *cf_lib_type(str name);
void cf_lib_type_near(struct nearest *near);

/* Members that kernel headers spell by macro: `sk_daddr` of struct sock is
 * "__sk_common.skc_daddr". To be asked only when a struct has no member of the name. NULL: none. */
const char *cf_lib_member(str name);

/* lib/auto: the text of a macro that is defined until the program says otherwise, from its name on
 * ("min(x, y) ({ … })"), or NULL. `version` is LINUX_VERSION_CODE of the target. */
const char *cf_lib_macro(str name, u32 version);
/* All names of a table in order, for tests: NULL beyond the end. */
const char *cf_lib_macro_at(u32 i);
const struct cf_constant *cf_lib_constant_at(u32 i);
const struct cf_lib_type *cf_lib_type_at(u32 i);
const char *cf_lib_header_at(u32 i);

#endif
