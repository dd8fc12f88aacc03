/* Empty: PT_REGS_PARM1 and its family are known without this header (skep's
 * lib/auto/tracing.h). */
