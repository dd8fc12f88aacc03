.section cgroup/skb
r0 = 7
exit
