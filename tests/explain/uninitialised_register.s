.section socket
r1 = 5
if r1 == 5 goto out
r0 = 0
out:
exit
