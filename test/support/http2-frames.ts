/**
 * Draws hostile sequences of HTTP/2 frames from a seed: frames of all types, with valid and invalid lengths, flags, streams and
 * payloads, one or several to a write.
 */
import { CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, GET, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, number, PING, POST, PREFACE, PRIORITY, PUSH_PROMISE, request, RST_STREAM, setting, SETTINGS, WINDOW_UPDATE } from './raw-http2.js'

export type Random = (below: number) => number

/** Marsaglia's xorshift: the same numbers for a seed. */
export function randomNumbers (seed: number): Random {
  let state = seed | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** What a connection sends: each write of its own, and how it ends. */
export interface Sequence {
  readonly writes: readonly Buffer[]
  readonly end: 'FIN' | 'RST' | 'silence'
  /** Whether it reads what is answered. */
  readonly reads: boolean
}

export function drawSequence (random: Random): Sequence {
  const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)] as T
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))
  const times = (most: number, make: () => Buffer): Buffer => Buffer.concat(Array.from({ length: 1 + random(most) }, make))
  let last = -1
  const next = (): number => { last += 2; return last }
  const some = (): number => pick(0, 1, 2, last < 0 ? 1 : last, last + 2, 0x7fff_ffff, 0xffff_ffff)
  const open = (): number => last < 0 ? next() : pick(last, 1 + 2 * random((last + 1) / 2))
  const code = (): number => pick(0, 1, 2, 7, 8, 11, 0xffff_ffff)
  const goaway = (error: number): Buffer => frame(GOAWAY, 0, 0, Buffer.concat([number(some() & 0x7fff_ffff), number(error), bytes(random(9))]))
  const posts = (): Buffer => {
    const stream = next()
    return Buffer.concat([request(stream, '/', POST), times(3, () => frame(DATA, pick(0, 0, END_STREAM), stream, Buffer.alloc(pick(0, 1, 100, 5000)))), ...random(2) === 0 ? [frame(DATA, END_STREAM, stream, Buffer.alloc(100))] : []])
  }
  const block = (): Buffer => pick(bytes(random(40)), Buffer.alloc(200, 0xff), Buffer.of(0x3f, 0xff, 0xff, 0xff, 0xff, 0x7f), Buffer.of(0x82, 0x87, 0x84, 0x41, 0xff, 0xff, 0xff, 0x7f), Buffer.alloc(3000, 0x82), Buffer.of(0xbe, 0xc0, 0xff, 0x80, 0x10), Buffer.alloc(0))
  const kinds: Array<() => Buffer> = [
    () => request(next(), pick('/', '/large', '/nothing'), GET),
    posts,
    posts,
    () => Buffer.concat([request(next(), '/large', GET), frame(RST_STREAM, 0, last, number(code()))]),
    () => times(30, () => Buffer.concat([request(next(), '/', GET), frame(RST_STREAM, 0, last, number(code()))])),
    () => goaway(code()),
    () => frame(RST_STREAM, 0, open(), number(code())),
    () => frame(DATA, pick(0, END_STREAM, 8, 9, 255), open(), Buffer.concat([Buffer.of(pick(0, 5, 255)), bytes(random(50))])),
    () => frame(HEADERS, pick(0, 1, 4, 5, 8, 0x20, 0x2d, 255), pick(next(), some()), block()),
    () => Buffer.concat([frame(HEADERS, 0, next(), Buffer.of(0x82)), times(60, () => frame(CONTINUATION, pick(0, 0, 0, END_HEADERS), last, pick(Buffer.of(0x87), Buffer.alloc(0), bytes(10))))]),
    () => frame(CONTINUATION, pick(0, END_HEADERS), some(), block()),
    () => frame(HEADERS, END_STREAM | END_HEADERS, open(), Buffer.of(0x82)),
    () => setting(pick(1, 2, 3, INITIAL_WINDOW_SIZE, 5, 6, 8, 9, 0xffff), pick(0, 1, 2, 16_383, 16_384, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff)),
    () => times(40, () => setting(pick(1, INITIAL_WINDOW_SIZE), random(70_000))),
    () => frame(SETTINGS, pick(0, 1, 255), pick(0, 0, 1), bytes(random(14))),
    () => times(40, () => frame(PING, pick(0, 1), pick(0, 0, 0, 1), bytes(pick(8, 8, 8, 7, 9, 0)))),
    () => frame(WINDOW_UPDATE, 0, pick(0, open(), some()), pick(number(0), number(1), number(0x7fff_ffff), number(0xffff_ffff), bytes(3))),
    () => { const stream = pick(open(), next()); return times(20, () => frame(PRIORITY, 0, stream, Buffer.concat([number(pick(stream, 0, stream + 2, 0x8000_0001)), Buffer.of(random(256))]))) },
    () => frame(PUSH_PROMISE, END_HEADERS, open(), Buffer.concat([number(2), block()])),
    () => frame(pick(10, 11, 12, 77, 255), random(256), some(), bytes(random(60))),
    () => frame(random(10), random(256), some(), bytes(random(40)), pick(0, 1, 5, 16_384, 16_385, 0xff_ffff)),
    () => bytes(1 + random(100)),
    // Frames that are read together with the end of a session.
    () => Buffer.concat([goaway(code()), posts(), posts()]),
    () => Buffer.concat([posts(), goaway(code()), posts()])
  ]
  const writes: Buffer[] = [pick(PREFACE, PREFACE, PREFACE, PREFACE, PREFACE, PREFACE, PREFACE, Buffer.concat([PREFACE.subarray(0, 24), frame(PING, 0, 0, bytes(8))]), PREFACE.subarray(0, random(24)), bytes(30))]
  for (let count = 1 + random(8); count > 0; count--) {
    const made = pick(...kinds)()
    // In the same write as what was before, or in one of its own.
    if (random(2) === 0) writes.push(Buffer.concat([writes.pop() as Buffer, made]))
    else writes.push(made)
  }
  return { writes, end: pick('FIN', 'FIN', 'RST', 'silence'), reads: random(4) > 0 }
}
