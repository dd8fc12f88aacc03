.section socket
r0 = 0
goto out
r0 = 1
out:
exit
