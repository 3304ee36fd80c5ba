/** Writes DER for tests, and reads what a test has written, element by element. */

/** One element of the given tag around others; lengths below 16 MiB. */
export function element (tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest & 0xff)
  const header = length < 0x80 ? [length] : [0x80 | digits.length, ...digits]
  return Buffer.concat([Buffer.of(tag, ...header), content])
}

export function integer (value: number | bigint): Buffer {
  const hex = value.toString(16)
  return integerOf(Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex'))
}

/** The INTEGER of a number that is not negative, by its bytes. */
export function integerOf (bytes: Buffer): Buffer {
  return element(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]))
}

export function oid (dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return element(0x06, Buffer.from(bytes))
}

/** One extension of a certificate or a CRL. */
export function extension (id: string, value: Buffer, critical = false): Buffer {
  return element(0x30, oid(id), ...(critical ? [element(0x01, Buffer.of(0xff))] : []), element(0x04, value))
}

export function utcTime (date: Date): Buffer {
  return element(0x17, Buffer.from(digitsOf(date).slice(2)))
}

export function generalizedTime (date: Date): Buffer {
  return element(0x18, Buffer.from(digitsOf(date)))
}

function digitsOf (date: Date): string {
  return date.toISOString().replace(/\.\d+|[-:T]/g, '')
}

/** The elements in an element. */
export function childrenOf (bytes: Buffer): Buffer[] {
  const children: Buffer[] = []
  const content = contentOf(bytes)
  for (let place = 0; place < content.length;) {
    const rest = content.subarray(place)
    const length = rest.length - contentBehind(rest)
    children.push(rest.subarray(0, length))
    place += length
  }
  return children
}

export function contentOf (bytes: Buffer): Buffer {
  return bytes.subarray(headerLength(bytes), bytes.length - contentBehind(bytes))
}

function headerLength (bytes: Buffer): number {
  const first = bytes[1] as number
  return first < 0x80 ? 2 : 2 + (first & 0x7f)
}

/** How many bytes follow the first element. */
function contentBehind (bytes: Buffer): number {
  const header = headerLength(bytes)
  const length = header === 2 ? bytes[1] as number : Number.parseInt(bytes.toString('hex', 2, header), 16)
  return bytes.length - header - length
}
