/* A program for filter: large files of ordinary users, and how many bytes each user has. */
struct record { u32 uid, size; char name[24]; };

BPF_HASH(sizes, u32, u64);

int large(struct record *r)
{
	u32 uid = r->uid;
	u64 *sum = sizes.lookup(&uid), first = r->size;

	if (sum)
		*sum += r->size;
	else
		sizes.update(&uid, &first);
	return uid >= 1000 && r->size > 4096;
}
