/* Registers of a traced function's pt_regs, by meaning: __skep_regs(ctx, i) is known to the parser.
 * i: 0..5 argument, 6 result, 7 instruction pointer, 8 stack pointer, 9 frame pointer, 16..21
 * argument of a system call. */
#define PT_REGS_PARM1(x) ((unsigned long)__skep_regs((x), 0))
#define PT_REGS_PARM2(x) ((unsigned long)__skep_regs((x), 1))
#define PT_REGS_PARM3(x) ((unsigned long)__skep_regs((x), 2))
#define PT_REGS_PARM4(x) ((unsigned long)__skep_regs((x), 3))
#define PT_REGS_PARM5(x) ((unsigned long)__skep_regs((x), 4))
#define PT_REGS_PARM6(x) ((unsigned long)__skep_regs((x), 5))
#define PT_REGS_RC(x) ((unsigned long)__skep_regs((x), 6))
#define PT_REGS_IP(x) ((unsigned long)__skep_regs((x), 7))
#define PT_REGS_SP(x) ((unsigned long)__skep_regs((x), 8))
#define PT_REGS_FP(x) ((unsigned long)__skep_regs((x), 9))
#if defined(__x86_64__)
#define PT_REGS_RET(x) PT_REGS_SP(x)
#endif
#define PT_REGS_PARM1_CORE(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_CORE(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_CORE(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_CORE(x) PT_REGS_PARM4(x)
#define PT_REGS_PARM5_CORE(x) PT_REGS_PARM5(x)
#define PT_REGS_PARM6_CORE(x) PT_REGS_PARM6(x)
#define PT_REGS_RC_CORE(x) PT_REGS_RC(x)
#define PT_REGS_IP_CORE(x) PT_REGS_IP(x)
#define PT_REGS_SP_CORE(x) PT_REGS_SP(x)
#define PT_REGS_FP_CORE(x) PT_REGS_FP(x)
#define PT_REGS_PARM1_SYSCALL(x) ((unsigned long)__skep_regs((x), 16))
#define PT_REGS_PARM2_SYSCALL(x) ((unsigned long)__skep_regs((x), 17))
#define PT_REGS_PARM3_SYSCALL(x) ((unsigned long)__skep_regs((x), 18))
#define PT_REGS_PARM4_SYSCALL(x) ((unsigned long)__skep_regs((x), 19))
#define PT_REGS_PARM5_SYSCALL(x) ((unsigned long)__skep_regs((x), 20))
#define PT_REGS_PARM6_SYSCALL(x) ((unsigned long)__skep_regs((x), 21))
#define PT_REGS_PARM1_CORE_SYSCALL(x) PT_REGS_PARM1_SYSCALL(x)
#define PT_REGS_PARM2_CORE_SYSCALL(x) PT_REGS_PARM2_SYSCALL(x)
#define PT_REGS_PARM3_CORE_SYSCALL(x) PT_REGS_PARM3_SYSCALL(x)
#define PT_REGS_PARM4_CORE_SYSCALL(x) PT_REGS_PARM4_SYSCALL(x)
#define PT_REGS_PARM5_CORE_SYSCALL(x) PT_REGS_PARM5_SYSCALL(x)
#define PT_REGS_PARM6_CORE_SYSCALL(x) PT_REGS_PARM6_SYSCALL(x)
/* Since 4.17 a system call's function gets a pointer to the caller's registers. */
#define PT_REGS_SYSCALL_REGS(x) ((struct pt_regs *)PT_REGS_PARM1(x))

/* BPF_PROG(name, int a, struct b *p) { … }: a function of the context that calls an inlined one of
 * the arguments. The three macros differ in the context and in where argument i comes from. */
#define BPF_PROG(name, args...) \
	__skep_program(unsigned long long *ctx, name, __skep_args(__skep_ctx_word, args), ##args)
#define BPF_KPROBE(name, args...) \
	__skep_program(struct pt_regs *ctx, name, __skep_args(__skep_ctx_parm, args), ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_KRETPROBE(name, args...) \
	__skep_program(struct pt_regs *ctx, name, __skep_args(__skep_ctx_result, args), ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)
#define BPF_KSYSCALL(name, args...) \
	__skep_program(struct pt_regs *ctx, name, __skep_args(__skep_ctx_call, args), ##args)
#define BPF_KPROBE_SYSCALL(name, args...) BPF_KSYSCALL(name, ##args)
#define __skep_program(context, name, values, args...) \
	name(context); \
	static inline __attribute__((always_inline)) __typeof__(name(0)) \
	__skep_body_##name(context, ##args); \
	__typeof__(name(0)) name(context) { return __skep_body_##name values; } \
	static inline __attribute__((always_inline)) __typeof__(name(0)) \
	__skep_body_##name(context, ##args)
#define __skep_ctx_word(i) (void *)ctx[i]
#define __skep_ctx_parm(i) (void *)__skep_regs(ctx, i)
#define __skep_ctx_result(i) (void *)__skep_regs(ctx, 6)
#define __skep_ctx_call(i) (void *)__skep_regs(PT_REGS_SYSCALL_REGS(ctx), 16 + i)

/* (ctx, get(0), get(1), …) for as many as there are arguments */
#define __skep_args(get, args...) __skep_apply(__skep_args_, __skep_count(args))(get)
#define __skep_apply(a, b) __skep_cat_of(a, b)
#define __skep_count(args...) \
	__skep_twelfth(x, ##args, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define __skep_twelfth(x, a, b, c, d, e, f, g, h, i, j, k, l, n, ...) n
#define __skep_args_0(get) (ctx)
#define __skep_args_1(get) (ctx, get(0))
#define __skep_args_2(get) (ctx, get(0), get(1))
#define __skep_args_3(get) (ctx, get(0), get(1), get(2))
#define __skep_args_4(get) (ctx, get(0), get(1), get(2), get(3))
#define __skep_args_5(get) (ctx, get(0), get(1), get(2), get(3), get(4))
#define __skep_args_6(get) (ctx, get(0), get(1), get(2), get(3), get(4), get(5))
#define __skep_args_7(get) (ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6))
#define __skep_args_8(get) (ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7))
#define __skep_args_9(get) \
	(ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), get(8))
#define __skep_args_10(get) \
	(ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), get(8), get(9))
#define __skep_args_11(get) \
	(ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), get(8), get(9), \
	get(10))
#define __skep_args_12(get) \
	(ctx, get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), get(8), get(9), \
	get(10), get(11))
