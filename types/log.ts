/** The part of Fastify's logger that is used. */
export interface EndpointLog {
  /** A line of this level. */
  debug (details: object, message: string): void
  /** A line of this level. */
  info (details: object, message: string): void
  /** A line of this level. */
  warn (details: object, message: string): void
  /** A line of this level. */
  error (details: object, message: string): void
}
