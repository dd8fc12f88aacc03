static int even(int n);
static int odd(int n) { return n ? even(n - 1) : 0; }
static int even(int n) { return n ? odd(n - 1) : 1; }
static int self(int n) { return n ? self(n - 1) : 0; }
int f(void *ctx) { return odd(3) + self(2); }
