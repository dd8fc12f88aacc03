/* A header that neither skep nor the folder has. */
#include "no_such_header_here.h"
#include <bpf/bpf_helper.h>
int kprobe__do_exit(void *ctx)
{
	return 0;
}
