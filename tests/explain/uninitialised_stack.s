; flags: unprivileged
.section socket
.map m hash 8 8 16
*(u32 *)(r10 - 8) = 1
r2 = r10
r2 += -8
r1 = map[m]
call bpf_map_lookup_elem
r0 = 0
exit
