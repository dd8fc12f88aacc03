/* Empty: BPF_ANY, BPF_MAP_TYPE_HASH and the like are known without this header (skep's
 * lib/constants/bpf.h); struct __sk_buff and other contexts come from BTF. */
