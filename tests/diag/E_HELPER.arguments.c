BPF_HASH(table, u32);
int f(void *ctx)
{
	u32 key = 1;
	char comm[16];

	bpf_get_curent_comm(&comm, 16);
	bpf_get_current_comm(16, 16);
	bpf_get_current_comm(&comm, &comm);
	bpf_map_lookup_elem(table, key);
	bpf_map_lookup_elem(0, &key);
	bpf_map_update_elem(&table, &key, &key, &key);
	return 0;
}
