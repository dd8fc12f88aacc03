/* What the configuration does not tell is an error unless it is weak; only names of the kernel have an existence. */
extern int CONFIG_NOT_THERE_AT_ALL __kconfig;
extern int CONFIG_NOR_THIS __kconfig __weak;
int kprobe__do_exit(void *ctx)
{
	int own = CONFIG_NOR_THIS;

	return bpf_ksym_exists(own) + bpf_core_enum_value(enum bpf_map_type, 3) +
	       bpf_core_field_exists(own.x);
}
