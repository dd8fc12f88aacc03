/* Empty: PT_REGS_PARM1 and its family, BPF_PROG, BPF_KPROBE … are known without this header
 * (skep's lib/auto/tracing.h). */
