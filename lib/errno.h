/* Empty: error numbers are known without this header. */
