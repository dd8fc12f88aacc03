/* Empty: memcpy, memset and memcmp with constant sizes are known without this header. */
