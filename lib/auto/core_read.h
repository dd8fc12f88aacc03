/* Reads of kernel memory. Offsets come from the running kernel and skep turns a plain p->m on a
 * kernel pointer into a safe read, so these are plain accesses. Reads of user memory and questions
 * about fields and types (bpf_core_field_exists and its family) are not here. */
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
