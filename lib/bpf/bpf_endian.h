/* Empty: bpf_ntohs and its family are known without this header (skep's lib/auto/endian.h). */
