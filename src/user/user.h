/* user: struct rt_engine in user space, with no privileges (docs/user-engine.md).
 *
 * Verifies (never skipped), compiles and runs programs at the system calls, process life, signals and user-space
 * probes of the processes that it traces: a command and its descendants, or processes given by number.
 */
#ifndef SKEP_USER_H
#define SKEP_USER_H

#include "rt/rt.h"

extern const struct rt_engine user_engine;

#endif
