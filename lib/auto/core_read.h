/* Reads of kernel memory. Offsets come from the running kernel and skep turns a plain p->m on a
 * kernel pointer into a safe read, so these are plain accesses. Reads of user memory are calls of the
 * helper, one for each arrow. Questions about fields and types are answered while a program is
 * compiled: __builtin_preserve_field_info, __skep_type_info and __skep_enum_info are known to the
 * parser. */
#define BPF_CORE_READ(src, args...) ((src)__skep_apply(__skep_path_, __skep_count(args))(args))
#define BPF_PROBE_READ(src, args...) BPF_CORE_READ(src, args)
#define BPF_CORE_READ_INTO(to, src, args...) bpf_probe_read_kernel((to), sizeof(*(to)), \
	&((src)__skep_apply(__skep_path_, __skep_count(args))(args)))
#define BPF_PROBE_READ_INTO(to, src, args...) BPF_CORE_READ_INTO(to, src, args)
#define BPF_CORE_READ_STR_INTO(to, src, args...) bpf_probe_read_kernel_str((to), sizeof(*(to)), \
	(src)__skep_apply(__skep_path_, __skep_count(args))(args))
#define BPF_PROBE_READ_STR_INTO(to, src, args...) BPF_CORE_READ_STR_INTO(to, src, args)
#define BPF_CORE_READ_BITFIELD(src, field) ((src)->field)
#define BPF_CORE_READ_BITFIELD_PROBED(src, field) ((src)->field)
#define bpf_core_read(to, n, src) bpf_probe_read_kernel((to), (n), (const void *)(src))
#define bpf_core_read_str(to, n, src) bpf_probe_read_kernel_str((to), (n), (const void *)(src))
#define bpf_core_cast(ptr, type) ((type *)(ptr))
#define __skep_path_1(a) ->a
#define __skep_path_2(a, b) ->a->b
#define __skep_path_3(a, b, c) ->a->b->c
#define __skep_path_4(a, b, c, d) ->a->b->c->d
#define __skep_path_5(a, b, c, d, e) ->a->b->c->d->e
#define __skep_path_6(a, b, c, d, e, f) ->a->b->c->d->e->f
#define __skep_path_7(a, b, c, d, e, f, g) ->a->b->c->d->e->f->g
#define __skep_path_8(a, b, c, d, e, f, g, h) ->a->b->c->d->e->f->g->h
#define __skep_path_9(a, b, c, d, e, f, g, h, i) ->a->b->c->d->e->f->g->h->i

/* user memory */
#define bpf_core_read_user(to, n, src) bpf_probe_read_user((to), (n), (const void *)(src))
#define bpf_core_read_user_str(to, n, src) bpf_probe_read_user_str((to), (n), (const void *)(src))
#define BPF_CORE_READ_USER_INTO(to, src, args...) \
	__skep_apply(__skep_user_, __skep_count(args))(bpf_probe_read_user, to, src, args)
#define BPF_PROBE_READ_USER_INTO(to, src, args...) BPF_CORE_READ_USER_INTO(to, src, args)
#define BPF_CORE_READ_USER_STR_INTO(to, src, args...) \
	__skep_apply(__skep_ustr_, __skep_count(args))(bpf_probe_read_user_str, to, src, args)
#define BPF_PROBE_READ_USER_STR_INTO(to, src, args...) BPF_CORE_READ_USER_STR_INTO(to, src, args)
#define BPF_CORE_READ_USER(src, args...) ({ \
	__typeof__((src)__skep_apply(__skep_path_, __skep_count(args))(args)) skep_r__; \
	BPF_CORE_READ_USER_INTO(&skep_r__, src, args); skep_r__; })
#define BPF_PROBE_READ_USER(src, args...) BPF_CORE_READ_USER(src, args)
#define __skep_user_1(fn, to, src, a) fn((to), sizeof(*(to)), &(src)->a)
#define __skep_user_2(fn, to, src, a, b) ({ __typeof__((src)->a) skep_1__; \
	bpf_probe_read_user(&skep_1__, sizeof(skep_1__), &(src)->a); \
	__skep_user_1(fn, to, skep_1__, b); })
#define __skep_user_3(fn, to, src, a, b, c) ({ __typeof__((src)->a) skep_2__; \
	bpf_probe_read_user(&skep_2__, sizeof(skep_2__), &(src)->a); \
	__skep_user_2(fn, to, skep_2__, b, c); })
#define __skep_user_4(fn, to, src, a, b, c, d) ({ __typeof__((src)->a) skep_3__; \
	bpf_probe_read_user(&skep_3__, sizeof(skep_3__), &(src)->a); \
	__skep_user_3(fn, to, skep_3__, b, c, d); })
#define __skep_ustr_1(fn, to, src, a) ({ const void *skep_0__ = 0; \
	bpf_probe_read_user(&skep_0__, sizeof(skep_0__), &(src)->a); \
	fn((to), sizeof(*(to)), skep_0__); })
#define __skep_ustr_2(fn, to, src, a, b) ({ __typeof__((src)->a) skep_1__; \
	bpf_probe_read_user(&skep_1__, sizeof(skep_1__), &(src)->a); \
	__skep_ustr_1(fn, to, skep_1__, b); })
#define __skep_ustr_3(fn, to, src, a, b, c) ({ __typeof__((src)->a) skep_2__; \
	bpf_probe_read_user(&skep_2__, sizeof(skep_2__), &(src)->a); \
	__skep_ustr_2(fn, to, skep_2__, b, c); })

/* questions about the running kernel's types */
#define BPF_FIELD_BYTE_OFFSET 0
#define BPF_FIELD_BYTE_SIZE 1
#define BPF_FIELD_EXISTS 2
#define BPF_FIELD_SIGNED 3
#define BPF_FIELD_LSHIFT_U64 4
#define BPF_FIELD_RSHIFT_U64 5
#define bpf_core_field_exists(field...) \
	__builtin_preserve_field_info(__skep_field(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) \
	__builtin_preserve_field_info(__skep_field(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) \
	__builtin_preserve_field_info(__skep_field(field), BPF_FIELD_BYTE_OFFSET)
#define bpf_core_field_signed(field...) \
	__builtin_preserve_field_info(__skep_field(field), BPF_FIELD_SIGNED)
#define __skep_field(field...) __skep_apply(__skep_field_, __skep_count(field))(field)
#define __skep_field_1(field) field
#define __skep_field_2(type, field) ((__typeof__(type) *)0)->field
#define bpf_core_type_exists(type) __skep_type_info(__typeof__(type), 0)
#define bpf_core_type_size(type) __skep_type_info(__typeof__(type), 1)
#define bpf_core_type_matches(type) __skep_type_info(__typeof__(type), 2)
#define bpf_core_type_id_kernel(type) __skep_type_info(__typeof__(type), 3)
#define bpf_core_enum_value_exists(type, value) __skep_enum_info(__typeof__(type), value, 0)
#define bpf_core_enum_value(type, value) __skep_enum_info(__typeof__(type), value, 1)
