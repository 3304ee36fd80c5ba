/** Escapes values for endpoint strings, the reverse of tokenize. */

/**
 * Escapes a text for an endpoint string: puts a backslash before every `\`, `:` and `=`.
 *
 * The result can be a positional argument, a key or a value. (Twisted's `quoteStringArgument` does not escape `=`, so a
 * path like `a=b` as a positional argument becomes a keyword there.)
 *
 * ```ts
 * `unix:${quoteEndpointArgument('/run/a:b.sock')}`   // unix:/run/a\:b.sock
 * ```
 */
export function quoteEndpointArgument (text: string): string {
  return text.replace(/[\\:=]/g, '\\$&')
}
