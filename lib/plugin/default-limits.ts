/** The limits on connections of an app that sets none. */

/** Fits two cores and 2 GB of memory: a connection takes up to 60 kB, and so does a handshake. */
export const MOST_CONNECTIONS = 10_000
export const MOST_HANDSHAKES = 1_000
