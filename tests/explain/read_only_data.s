.section socket
.map m array 4 8 1 128
*(u32 *)(r10 - 4) = 0
r2 = r10
r2 += -4
r1 = map[m]
call bpf_map_lookup_elem
if r0 == 0 goto out
*(u64 *)(r0 + 0) = 1
out:
r0 = 0
exit
