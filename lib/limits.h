/* Empty: INT_MAX and the like are known without this header. */
