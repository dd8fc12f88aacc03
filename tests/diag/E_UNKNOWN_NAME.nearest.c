/* Each name once, with the nearest of what could be meant. */
struct event { u32 pid; };
BPF_HASH(counter_table, u32);
static int average(int a, int b) { return (a + b) / 2; }

int hello(void *ctx)
{
	u32 total = 0;

	totl = 1;
	totl++;
	total = averge(1, 2);
	counter_tabel.lookup(&total);
	total = EPREM;
	total = something_that_nobody_knows;
	return total;
}
