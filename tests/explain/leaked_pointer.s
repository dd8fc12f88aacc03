; flags: unprivileged
.section socket
r0 = r10
exit
