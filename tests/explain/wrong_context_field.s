.section socket
r0 = *(u32 *)(r1 + 400)
exit
