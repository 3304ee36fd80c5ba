/**
 * DER as a tree, and everything that can be wrong with one element of it.
 *
 *     for (const { name, bytes } of mutationsOf(tbs)) …
 *
 * OCTET STRINGs that hold DER, as the values of extensions do, are part of the tree.
 */

interface Node {
  readonly tag: number
  /** Its elements; undefined where it has none. */
  readonly children: readonly Node[] | undefined
  /** Where it has none. */
  readonly content: Buffer
}

export interface Mutation {
  /** The place in the tree, and what was done there. */
  readonly name: string
  readonly bytes: Buffer
}

const CONSTRUCTED = 0x20
const OCTET_STRING = 0x04

/** What can replace an element, by name: no element, one, or several. */
const WAYS: Array<[name: string, write: (node: Node) => Buffer[]]> = [
  ['is left out', () => []],
  ['is there twice', (node) => [encode(node), encode(node)]],
  ['is empty', ({ tag }) => [raw(tag, Buffer.alloc(0))]],
  ['has the next tag', (node) => [raw(node.tag + 1, contentOf(node))]],
  ['is a NULL', () => [raw(0x05, Buffer.alloc(0))]],
  ['is an OCTET STRING', (node) => [raw(OCTET_STRING, contentOf(node))]],
  ['is an INTEGER', (node) => [raw(0x02, contentOf(node))]],
  ['is a SEQUENCE', (node) => [raw(0x30, contentOf(node))]],
  ['is private', (node) => [raw(0xc1, contentOf(node))]],
  ['has a tag of two bytes', (node) => [Buffer.concat([Buffer.of(0x1f | node.tag, 0x55, ...lengthOf(contentOf(node).length)), contentOf(node)])]],
  ['has a byte more', (node) => [raw(node.tag, Buffer.concat([contentOf(node), Buffer.of(0)]))]],
  ['has a byte less', (node) => [raw(node.tag, contentOf(node).subarray(0, -1))]],
  ['has a zero before it', (node) => [raw(node.tag, Buffer.concat([Buffer.of(0), contentOf(node)]))]],
  ['is negative', (node) => [raw(node.tag, Buffer.concat([Buffer.of(0xff), contentOf(node)]))]],
  ['is very long', (node) => [raw(node.tag, Buffer.concat([contentOf(node), Buffer.alloc(300, 1)]))]],
  ['has its first bits turned', (node) => [raw(node.tag, turned(contentOf(node), 0))]],
  ['has its last bits turned', (node) => [raw(node.tag, turned(contentOf(node), -1))]],
  ['has a long form of its length', (node) => [Buffer.concat([Buffer.of(node.tag, 0x84, 0, 0, contentOf(node).length >> 8, contentOf(node).length & 0xff), contentOf(node)])]],
  ['leaves its length open', (node) => [Buffer.concat([Buffer.of(node.tag, 0x80), contentOf(node), Buffer.of(0, 0)])]],
  ['is in pieces', (node) => [raw(node.tag | CONSTRUCTED, Buffer.concat([raw(node.tag, contentOf(node).subarray(0, 1)), raw(node.tag, contentOf(node).subarray(1))]))]],
  ['says that it is longer than it is', (node) => [Buffer.concat([Buffer.of(node.tag, ...lengthOf(contentOf(node).length + 1)), contentOf(node)])]],
  ['has its parts turned round', (node) => [node.children === undefined ? encode(node) : raw(node.tag, Buffer.concat(node.children.toReversed().map(encode)))]]
]

/** All the ways in which one element of the bytes can be wrong; each of them different bytes. */
export function mutationsOf (bytes: Buffer): Mutation[] {
  const seen = new Set([bytes.toString('hex')])
  const mutations: Mutation[] = []
  const root = decode(bytes)
  for (const { node, path, rebuild } of placesOf(root, '', ([only]) => only ?? Buffer.alloc(0))) {
    for (const [way, write] of WAYS) {
      const changed = rebuild([Buffer.concat(write(node))])
      if (seen.has(changed.toString('hex'))) continue
      seen.add(changed.toString('hex'))
      mutations.push({ name: `${path === '' ? 'all' : path} ${way}`, bytes: changed })
    }
  }
  return mutations
}

type Rebuild = (parts: Buffer[]) => Buffer

function * placesOf (node: Node, path: string, rebuild: Rebuild): Generator<{ node: Node, path: string, rebuild: Rebuild }> {
  yield { node, path, rebuild }
  for (const [index, child] of (node.children ?? []).entries()) {
    yield * placesOf(child, `${path}/${index}`, (parts) => {
      const before = (node.children ?? []).map(encode)
      return rebuild([raw(node.tag, Buffer.concat(before.toSpliced(index, 1, ...parts)))])
    })
  }
}

function decode (bytes: Buffer): Node {
  const [tag = 0, first = 0] = bytes
  const header = first < 0x80 ? 2 : 2 + (first & 0x7f)
  const content = bytes.subarray(header)
  const children = (tag & CONSTRUCTED) !== 0 || tag === OCTET_STRING ? elementsOf(content) : undefined
  return { tag, children: children === undefined ? undefined : children.map(decode), content }
}

/** The elements in the bytes; undefined if the bytes are no DER. */
function elementsOf (bytes: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = []
  for (let place = 0; place < bytes.length;) {
    const first = bytes[place + 1] ?? 0xff
    const header = first < 0x80 ? 2 : 2 + (first & 0x7f)
    const length = first < 0x80 ? first : Number.parseInt(bytes.toString('hex', place + 2, place + header), 16)
    if (header > 6 || Number.isNaN(length) || place + header + length > bytes.length) return undefined
    elements.push(bytes.subarray(place, place + header + length))
    place += header + length
  }
  return elements
}

function encode (node: Node): Buffer {
  return raw(node.tag, contentOf(node))
}

function contentOf ({ children, content }: Node): Buffer {
  return children === undefined ? content : Buffer.concat(children.map(encode))
}

function raw (tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag, ...lengthOf(content.length)), content])
}

function lengthOf (length: number): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

function turned (content: Buffer, index: number): Buffer {
  const bytes = Buffer.from(content)
  const place = index < 0 ? bytes.length + index : index
  if (bytes.length > 0) bytes[place] = (bytes[place] as number) ^ 0x0b
  return bytes
}
