SEC("raw_tp/sys_enter") int note(void *ctx)
{
	char name[8];

	bpf_get_current_comm(name, 16);
	return name[0];
}
