/* regs: where struct pt_regs keeps what.
 *
 * Offsets are those of the kernel's own struct (arch/x86/include/asm/ptrace.h,
 * arch/arm64/include/asm/ptrace.h), which user headers repeat up to the end of the part that
 * programs may read. Calls pass arguments by the C ABI; system calls differ in the fourth argument
 * on x86-64 (r10, since the instruction overwrites rcx) and in the first on arm64 (x0 is
 * overwritten by the result, and kept in orig_x0).
 */
#include "probes/room.h"

#if defined(__x86_64__)
static const struct probes_regs regs = {
	.size = 168,
	.arg = { 112, 104, 96, 88, 72, 64 },	 /* di si dx cx r8 r9 */
	.sys_arg = { 112, 104, 96, 56, 72, 64 }, /* di si dx r10 r8 r9 */
	.ret = 80,
	.ip = 128,
	.sp = 152,
	.fp = 32,
	.nr = 120, /* orig_ax */
	.n_args = 6,
};
#elif defined(__aarch64__)
static const struct probes_regs regs = {
	/* What a program may read directly ends here (struct user_pt_regs); orig_x0 and syscallno
	 * come behind and are reached through a pointer to the kernel's pt_regs. */
	.size = 272,
	.arg = { 0, 8, 16, 24, 32, 40 },
	.sys_arg = { 272, 8, 16, 24, 32, 40 },
	.ret = 0,
	.ip = 256,
	.sp = 248,
	.fp = 232,
	.nr = 280,
	.n_args = 6,
};
#endif

const struct probes_regs *probes_regs(void)
{
	return &regs;
}
