/* Empty: the licence of a program is GPL unless BPF_LICENSE says otherwise. */
