.section xdp
.map m hash 4 8 16
r1 = 7
r2 = r10
r2 += -4
*(u32 *)(r10 - 4) = 0
call bpf_map_lookup_elem
r0 = 2
exit
