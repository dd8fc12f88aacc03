.section socket
r6 = r1
exit
