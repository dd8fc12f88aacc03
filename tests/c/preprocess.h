#ifndef PREPROCESS_H
#define PREPROCESS_H
#define INCLUDED_VALUE 40
static int included_function(int x)
{
	return x + 1;
}
#endif
