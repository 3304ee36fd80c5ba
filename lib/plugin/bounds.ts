/** Bounds on connections where the app sets none. */

/** What a machine with two cores and 2 GB of memory stands: a connection takes up to 60 kB, and so does a handshake. */
export const MOST_CONNECTIONS = 10_000
export const MOST_HANDSHAKES = 1_000
