/* What BPF programs of both dialects write: sections, map members, BCC's small functions. Map
 * declarations and program declarations (BPF_HASH, TRACEPOINT_PROBE, …) are no macros: the parser
 * knows them by name. */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __ulong(name, value) enum { __skep_cat(skep_value__, __COUNTER__) = value } name
#define __type(name, value) __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#define bpf_repeat(n) for (int skep_n__ = 0, skep_end__ = (n); skep_n__ < skep_end__; skep_n__++)
#define bpf_for(i, start, end) \
	for (int skep_end__ = (i = (start), (end)); i < skep_end__; i++)
#define BPF_SEQ_PRINTF(seq, format, args...) ({ \
	static const char skep_f__[] = format; \
	unsigned long long skep_v__[] = { __skep_words(args) }; \
	bpf_seq_printf(seq, skep_f__, sizeof(skep_f__), skep_v__, \
		       8 * __skep_count(args)); })
#define BPF_SNPRINTF(out, size, format, args...) ({ \
	static const char skep_f__[] = format; \
	unsigned long long skep_v__[] = { __skep_words(args) }; \
	bpf_snprintf(out, size, skep_f__, skep_v__, 8 * __skep_count(args)); })
#define __skep_words(args...) __skep_apply(__skep_words_, __skep_count(args))(args)
#define __skep_word(x) (unsigned long long)(x)
#define __skep_words_0() 0
#define __skep_words_1(a) __skep_word(a)
#define __skep_words_2(a, b...) __skep_word(a), __skep_words_1(b)
#define __skep_words_3(a, b...) __skep_word(a), __skep_words_2(b)
#define __skep_words_4(a, b...) __skep_word(a), __skep_words_3(b)
#define __skep_words_5(a, b...) __skep_word(a), __skep_words_4(b)
#define __skep_words_6(a, b...) __skep_word(a), __skep_words_5(b)
#define __skep_words_7(a, b...) __skep_word(a), __skep_words_6(b)
#define __skep_words_8(a, b...) __skep_word(a), __skep_words_7(b)
#define __skep_words_9(a, b...) __skep_word(a), __skep_words_8(b)
#define __skep_words_10(a, b...) __skep_word(a), __skep_words_9(b)
#define __skep_words_11(a, b...) __skep_word(a), __skep_words_10(b)
#define __skep_words_12(a, b...) __skep_word(a), __skep_words_11(b)
#define __skep_cat(a, b) __skep_cat_of(a, b)
#define __skep_cat_of(a, b) a##b
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define barrier_var(x) __asm__ volatile("" : "+r"(x))

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
