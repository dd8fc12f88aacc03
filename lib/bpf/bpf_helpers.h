/* SEC, __uint, __type, __array, __always_inline and the other macros of this header are known
 * without it (skep's lib/auto/bpf.h); helpers are known by name. What remains are types. */
#pragma once

enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};
