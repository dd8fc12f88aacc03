/* Small macros of the kernel's and of C's own headers. A program's own definition or function of
 * the same name takes their place silently. */
#define NULL ((void *)0)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - __builtin_offsetof(type, member)))
#define static_assert _Static_assert
#define BUILD_BUG_ON(cond) _Static_assert(!(cond), "BUILD_BUG_ON: " #cond)

/* annotations */
#define __kernel
#define __force
#define __iomem
#define __init
#define __exit
#define __must_check
#define asmlinkage
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(name) __attribute__((section(name)))
#define __maybe_unused __attribute__((unused))
#define __always_unused __attribute__((unused))
#define __used __attribute__((used))
#define __noreturn __attribute__((noreturn))
#define __fallthrough __attribute__((fallthrough))
#define fallthrough __attribute__((fallthrough))

/* arithmetic; each argument is evaluated once */
#define min(x, y) ({ __typeof__(x) skep_x__ = (x); __typeof__(y) skep_y__ = (y); \
	skep_x__ < skep_y__ ? skep_x__ : skep_y__; })
#define max(x, y) ({ __typeof__(x) skep_x__ = (x); __typeof__(y) skep_y__ = (y); \
	skep_x__ > skep_y__ ? skep_x__ : skep_y__; })
#define min_t(type, x, y) ({ type skep_x__ = (x); type skep_y__ = (y); \
	skep_x__ < skep_y__ ? skep_x__ : skep_y__; })
#define max_t(type, x, y) ({ type skep_x__ = (x); type skep_y__ = (y); \
	skep_x__ > skep_y__ ? skep_x__ : skep_y__; })
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#define abs(x) ({ __typeof__(x) skep_x__ = (x); skep_x__ < 0 ? -skep_x__ : skep_x__; })
#define swap(x, y) do { __typeof__(x) skep_x__ = (x); (x) = (y); (y) = skep_x__; } while (0)
#define div_u64(n, d) ((unsigned long long)(n) / (unsigned int)(d))
#define div64_u64(n, d) ((unsigned long long)(n) / (unsigned long long)(d))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ALIGN(x, a) (((x) + (__typeof__(x))(a) - 1) & ~((__typeof__(x))(a) - 1))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(__builtin_offsetof(type, member) + sizeof(((type *)0)->member))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(hi, lo) ((~0UL << (lo)) & (~0UL >> (63 - (hi))))
#define GENMASK_ULL(hi, lo) ((~0ULL << (lo)) & (~0ULL >> (63 - (hi))))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) do { *(volatile __typeof__(x) *)&(x) = (v); } while (0)
#define barrier() __asm__ volatile("" : : : "memory")
#define swab16(x) __builtin_bswap16(x)
#define swab32(x) __builtin_bswap32(x)
#define swab64(x) __builtin_bswap64(x)

/* kinds of files, device numbers, error pointers */
#define S_ISREG(m) (((m) & 0170000) == 0100000)
#define S_ISDIR(m) (((m) & 0170000) == 0040000)
#define S_ISCHR(m) (((m) & 0170000) == 0020000)
#define S_ISBLK(m) (((m) & 0170000) == 0060000)
#define S_ISFIFO(m) (((m) & 0170000) == 0010000)
#define S_ISLNK(m) (((m) & 0170000) == 0120000)
#define S_ISSOCK(m) (((m) & 0170000) == 0140000)
#define MAJOR(dev) ((unsigned int)((dev) >> 20))
#define MINOR(dev) ((unsigned int)((dev) & 0xfffff))
#define MKDEV(major, minor) (((major) << 20) | (minor))
#define IS_ERR_VALUE(x) ((unsigned long)(void *)(x) >= (unsigned long)-4095)
#define IS_ERR(ptr) IS_ERR_VALUE((unsigned long)(ptr))
#define IS_ERR_OR_NULL(ptr) (!(ptr) || IS_ERR_VALUE((unsigned long)(ptr)))
#define ERR_PTR(error) ((void *)(long)(error))
#define PTR_ERR(ptr) ((long)(ptr))

/* casts between a socket and what it is part of */
#define inet_sk(sk) ((struct inet_sock *)(sk))
#define inet_csk(sk) ((struct inet_connection_sock *)(sk))
#define tcp_sk(sk) ((struct tcp_sock *)(sk))
#define udp_sk(sk) ((struct udp_sock *)(sk))
#define unix_sk(sk) ((struct unix_sock *)(sk))
#define TCP_SKB_CB(skb) ((struct tcp_skb_cb *)&((skb)->cb[0]))

/* kernel configuration: CONFIG_x is 1 for =y, CONFIG_x_MODULE for =m */
#define IS_BUILTIN(option) __skep_is_1(option)
#define IS_MODULE(option) __skep_is_1(option##_MODULE)
#define IS_ENABLED(option) (__skep_is_1(option) || __skep_is_1(option##_MODULE))
#define __skep_is_1(option) __skep_is_1_of(option)
#define __skep_is_1_of(value) __skep_is_1_by(__skep_shift_##value)
#define __skep_is_1_by(shift) __skep_second(shift 1, 0, 0)
#define __skep_shift_1 0,
#define __skep_second(a, b, ...) b

/* found by size, since kernels differ */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define DNAME_INLINE_LEN sizeof(((struct dentry *)0)->d_shortname)
#else
#define DNAME_INLINE_LEN sizeof(((struct dentry *)0)->d_iname)
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 1, 0)
#define CAP_OPT_NONE 0x0
#endif
