; Mistakes of spelling: one diagnostic for a line.
r0 = r11
r1 += 0x1ffffffff
w1 = *(u64 *)(r1 + 0)
*(u32 *)(r10 - 4) = r1 + 1
if r1 == 0 goto nowhere
call no_such_helper
lock *(u16 *)(r1 + 0) += r2
frobnicate r1
here:
r0 = 0 exit
here:
