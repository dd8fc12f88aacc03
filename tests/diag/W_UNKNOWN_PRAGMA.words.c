#pragma once
#pragma frobnicate the loop
#pragma GCC diagnostic ignored "-Wunused"
#pragma omp parallel
int x;
