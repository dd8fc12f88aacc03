typedef struct { int a; } event_t;
evnt_t global;
int hello(void *ctx, u23 x)
{
	event_tt e = {};
	unknown_thing_t *p = 0;

	return sizeof(e) + x;
}
