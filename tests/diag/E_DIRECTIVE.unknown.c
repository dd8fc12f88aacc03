#defin A 1
#if
#endif
#if 1 +
#endif
#else
#undef
#ifdef 3
#endif
#elif 1
#line x
#if 1
int x;
