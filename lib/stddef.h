/* Empty: NULL, offsetof, size_t and ptrdiff_t are known without this header. */
