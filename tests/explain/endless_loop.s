.section xdp
r6 = 0
again:
r0 = 2
if r6 == 0 goto again
exit
