/* Empty: kernel types come from the running kernel's BTF when a program names them. */
