/** The part of Fastify's logger that this package uses. */
export interface EndpointLog {
  /** Writes a line of this level. */
  debug (details: object, message: string): void
  /** Writes a line of this level. */
  info (details: object, message: string): void
  /** Writes a line of this level. */
  warn (details: object, message: string): void
  /** Writes a line of this level. */
  error (details: object, message: string): void
}
