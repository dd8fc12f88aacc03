/* Empty: packet headers as BCC names them (struct ethernet_t, struct ip_t …) and cursor_advance are
 * not here yet. */
