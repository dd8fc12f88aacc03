/* A program that filter refuses: it reads behind the record. */
struct record { u32 uid, size; char name[24]; };

int wild(struct record *r)
{
	return r->name[r->size];
}
