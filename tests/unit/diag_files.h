/* Which test runs a file of tests/diag: TAG.reason.bt btfront_diag_test.c, TAG.reason.c cfront_diag_test.c
 * where the preprocessor and the parser alone give the tag, api_diag_test.c everything else. A tag that is
 * given earlier and later, by the parser and by a pass, has files of both kinds: a first line `// flags:`
 * says that the whole way is needed. */
#ifndef SKEP_TEST_DIAG_FILES
#define SKEP_TEST_DIAG_FILES

#include "base/base.h"

#define DIAG_FOLDER "tests/diag/"
#define DIAG_FLAGS  "// flags:"

enum diag_runner { DIAG_OF_CFRONT, DIAG_OF_BTFRONT, DIAG_OF_API, DIAG_OF_NOBODY };

static inline enum diag_runner diag_runner_of(str name, str text)
{
	if (str_ends(name, ".bt"))
		return DIAG_OF_BTFRONT;
	if (str_ends(name, ".ir") || str_ends(name, ".s"))
		return DIAG_OF_API;
	if (str_ends(name, ".c"))
		return str_starts(text, DIAG_FLAGS) ? DIAG_OF_API : DIAG_OF_CFRONT;
	return DIAG_OF_NOBODY;
}

#endif
