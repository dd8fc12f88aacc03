.section socket
.map m hash 4 8 16
*(u64 *)(r10 - 8) = 0
r3 = *(u32 *)(r10 - 6)
r0 = 0
exit
