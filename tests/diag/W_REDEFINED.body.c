#define LIMIT 10
#define LIMIT 10
#define LIMIT 20
#define TWICE(x) ((x) * 2)
#define TWICE(y) ((y) * 2)
int x = LIMIT;
