/* Empty: helpers are known by name. */
