/* Empty: bool, true and false are known without this header. */
