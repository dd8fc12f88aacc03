// flags:
SEC("ksyscall/opennat")
int BPF_KSYSCALL(hello, int fd)
{
	return fd;
}

SEC("kretsyscall/no_such_thing")
int bye(struct pt_regs *ctx)
{
	return 0;
}
