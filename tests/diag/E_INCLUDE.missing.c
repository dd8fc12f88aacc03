#include "no_such_header.h"
#include <linux/no_such_header.h>
#include <bpf/bpf_helper.h>
#include
#include <unclosed
int x;
