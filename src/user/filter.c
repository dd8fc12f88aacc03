/* filter: the classic BPF program that seccomp(2) asks at each system call of the command and its descendants.
 *
 *	not this architecture     stop if programs want all calls, else go on
 *	a trapped call            stop
 *	clone with CLONE_UNTRACED stop (the tracer takes the flag away), and every clone3: its flags lie in memory
 *	mmap or mprotect with PROT_EXEC, where breakpoints are wanted in libraries that come later: stop
 *	anything else             go on: the kernel remembers that for the number, and does not ask again
 *
 * A filter needs no_new_privs or CAP_SYS_ADMIN; with no_new_privs a set-uid program runs without its rights.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/room.h"
/* Behind isa.h, which uses and gives up the name MAP_TYPE. */
#include <sys/mman.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(x)   BPF_STMT(BPF_RET | BPF_K, x)
#define STOP	    SECCOMP_RET_TRACE
#define GO_ON	    SECCOMP_RET_ALLOW

struct writer {
	struct sock_filter at[2 * USER_N_CALLS + 64];
	u32 n;
};

static void put(struct writer *w, struct sock_filter i)
{
	w->at[w->n++] = i;
}

static void put_call(struct writer *w, u32 nr)
{
	put(w, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	put(w, (struct sock_filter)RETURN(STOP));
}

/* Stops the call if its argument (the low half) has one of the bits. */
static void put_if_bits(struct writer *w, u32 nr, u32 arg, u32 bits)
{
	u32 off = (u32)offsetof(struct seccomp_data, args) + 8 * arg;

	put(w, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	put(w, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off));
	put(w, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	put(w, (struct sock_filter)RETURN(STOP));
	put(w, (struct sock_filter)RETURN(GO_ON));
}

static void write_filter(const struct engine *u, struct writer *w)
{
	put(w, (struct sock_filter)LOAD(arch));
	put(w, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, USER_ARCH, 1, 0));
	put(w, (struct sock_filter)RETURN(u->all_calls ? STOP | USER_FOREIGN : GO_ON));
	if (u->all_calls) {
		put(w, (struct sock_filter)RETURN(STOP));
		return;
	}
	put(w, (struct sock_filter)LOAD(nr));
	for (u32 nr = 0; nr < USER_N_CALLS; nr++)
		if (user_has_call(u->trapped, nr))
			put_call(w, nr);
	put_if_bits(w, SYS_clone, 0, CLONE_UNTRACED);
	put_call(w, SYS_clone3);
	if (u->breaks.n) {
		put_if_bits(w, SYS_mmap, 2, PROT_EXEC | (u->has_counters ? PROT_WRITE : 0));
		put_if_bits(w, SYS_mprotect, 2, PROT_EXEC);
	}
	put(w, (struct sock_filter)RETURN(GO_ON));
}

bool user_filter_possible(void)
{
	u32 action = SECCOMP_RET_TRACE;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int user_filter_install(const struct engine *u)
{
	struct writer w = { .n = 0 };
	struct sock_fprog prog = { .filter = w.at };

	write_filter(u, &w);
	prog.len = (unsigned short)w.n;
	/* Without the right to it, a filter must not outlive what a set-uid program may. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) ? -errno : 0;
}
