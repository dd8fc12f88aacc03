/* Empty: BPF_CORE_READ and its family are known without this header (skep's
 * lib/auto/core_read.h). */
