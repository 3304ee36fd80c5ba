/** How long a handshake, or a PROXY header, may take by default. */

/** In seconds. Node's default is two minutes, which no client needs. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 10
