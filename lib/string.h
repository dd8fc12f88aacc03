/* Empty: memcpy, memset, memcmp and memmove with constant sizes are known without this header. */
