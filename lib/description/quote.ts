/** The way back: a value from anywhere, written so that it stands in an endpoint string as it is. */

/**
 * Puts a backslash before every `\`, `:` and `=`, so that the text can be a positional argument, a
 * key or a value. (Twisted's `quoteStringArgument` leaves `=` alone, with which a path like `a=b`
 * as a positional argument turns into a keyword.)
 *
 * ```ts
 * `unix:${quoteEndpointArgument('/run/a:b.sock')}`   // unix:/run/a\:b.sock
 * ```
 */
export function quoteEndpointArgument (text: string): string {
  return text.replace(/[\\:=]/g, '\\$&')
}
