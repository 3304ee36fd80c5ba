/** A long allowed list with rules of all kinds of names. */
const SHAPES: ReadonlyArray<(at: number) => string> = [
  (at) => `uri:spiffe://example.org/ns/shop/sa/client-${at} role=reader,writer`,
  (at) => `dns:client-${at}.example.org role=reader`,
  (at) => `email:client-${at}@example.org`,
  (at) => `ip:10.${at >> 16}.${at >> 8 & 255}.${at & 255}`,
  (at) => `cn:client%20${at}`
]

export function manyRules (count: number): string {
  return Array.from({ length: count }, (_, at) => `${SHAPES[at % SHAPES.length]?.(at)}\n`).join('')
}
