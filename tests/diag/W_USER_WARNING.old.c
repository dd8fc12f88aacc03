#warning "this program is for kernels before 5.0"
int x;
