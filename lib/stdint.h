/* Empty: uint8_t, INT32_MAX and the like are known without this header. */
