/* Statements and operators of C. */
enum mode { OFF, ON = 5, LAST };
struct pair { int a, b; };

static int pick(enum mode m, int x)
{
	switch (m) {
	case OFF:
	case 1 ... 4:
		x++;
		break;
	case ON:
		return -x;
	default:
		x = m == LAST ? ~x : !x;
	}
	return x;
}

int control(void *ctx)
{
	static const char *const words[0] = {};
	struct pair list[3] = { [1].b = 4, [2] = { 1, 2 } }, *p = list;
	unsigned int bits = 0;
	int i, n = 0;

	#pragma unroll
	for (i = 0; i < 3; i++, p++) {
		if (p->a == 2 || !p->b)
			continue;
		n += pick(i, p->a) << 1;
	}
	#pragma unroll 4
	for (u32 k = 0; k < 4; k++)
		bits |= 1u << k;
	while (n > 100)
		n /= 2;
	do {
		if (n & 1)
			goto out;
		n -= 3;
	} while (n > 0);
	*p = (struct pair){ .b = n };
	n = ({ int t = n; t *= t; t; }) + sizeof(words);
out:
	return n ? bits : (u8)n, n;
}
