#define TWO(a, b) a + b
#define PASTE(a, b) a ## b
#define BAD(a, a) a
#define HASH(a) #b
#define 3
#define defined 1
#undef __FILE__
int x = TWO(1);
int y = TWO(1, 2, 3);
int z = PASTE(+, /);
int w = TWO(1,
