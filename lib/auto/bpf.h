/* What BPF programs of both dialects write: sections, map members, BCC's small functions. Map
 * declarations and program declarations (BPF_HASH, TRACEPOINT_PROBE, …) are no macros: the parser
 * knows them by name. */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __ulong(name, value) enum { __skep_cat(skep_value__, __COUNTER__) = value } name
#define __type(name, value) __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#define __skep_cat(a, b) __skep_cat_of(a, b)
#define __skep_cat_of(a, b) a##b
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define barrier_var(x) __asm__ volatile("" : "+r"(x))
#define bpf_ksym_exists(sym) (!!(sym))

/* BCC */
#define bpf_log2(v) ({ unsigned int skep_v__ = (v); \
	(unsigned int)(63 - __builtin_clzll((unsigned long long)skep_v__ | 1)); })
#define bpf_log2l(v) ({ unsigned long long skep_v__ = (v); \
	(unsigned int)(64 - __builtin_clzll(skep_v__ | 1)); })
#define TP_DATA_LOC(field) ((char *)args + (args->data_loc_##field & 0xffff))
#define TP_DATA_LOC_READ(to, field) \
	bpf_probe_read_kernel((to), args->data_loc_##field >> 16, TP_DATA_LOC(field))
#define TP_DATA_LOC_READ_CONST(to, field, n) \
	bpf_probe_read_kernel((to), (n), TP_DATA_LOC(field))
#define TP_DATA_LOC_READ_STR(to, field, n) \
	bpf_probe_read_kernel_str((to), (n), TP_DATA_LOC(field))
