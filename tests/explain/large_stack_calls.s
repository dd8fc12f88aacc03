.section socket
*(u64 *)(r10 - 400) = 0
call helper
exit
helper:
*(u64 *)(r10 - 200) = 0
r0 = 0
exit
