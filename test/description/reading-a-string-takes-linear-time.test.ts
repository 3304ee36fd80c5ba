import t from 'tap'
import { parseEndpoint, quoteEndpointArgument, tokenizeEndpoint } from '../../lib/description/index.js'

const SHORT = 125_000
const LONG = 1_000_000

// Each shape is filled up to a length. Eight times the length should take eight times the time; a
// quadratic step would make it 64, and at this length many seconds. What is over within one may be the
// garbage collector's, on a loaded machine.
const MOST = 24
const NOTICEABLE = 1000

const shapes: Record<string, (length: number) => string> = {
  letters: (length) => 'a'.repeat(length),
  backslashes: (length) => '\\'.repeat(length),
  colons: (length) => ':'.repeat(length),
  'equals signs': (length) => '='.repeat(length),
  'escaped colons': (length) => '\\:'.repeat(length / 2),
  'many keywords': (length) => Array.from({ length: length / 10 }, (_, n) => `k${n}=`).join(':'),
  'many positional arguments': (length) => `tcp${':1'.repeat(length / 2)}`,
  'a long type': (length) => `${'t'.repeat(length)}:80`,
  'a long unknown argument': (length) => `tcp:80:${'revokedFil'.repeat(length / 10)}=x`,
  'a long number': (length) => `tcp:${'0'.repeat(length)}80`,
  'a number with a letter at the end': (length) => `tcp:${'1'.repeat(length)}x`,
  'a long interface': (length) => `tcp:80:interface=${'\\:'.repeat(length / 2)}`,
  'a long interface in brackets': (length) => `tcp:80:interface=${'['.repeat(length)}]`,
  'a long interface with a zone': (length) => `tcp:80:interface=fe80\\:\\:1%${'z'.repeat(length)}!`,
  'a long path': (length) => `unix:${'\\/'.repeat(length / 2)}`,
  'an address without its colons escaped': (length) => `tcp:80:interface=${':1'.repeat(length / 2)}`,
  'a long sslmethod': (length) => `ssl:443:sslmethod=${'OP_ALL+'.repeat(length / 7)}x`,
  'a long list of networks': (length) => `haproxy:tcp:80:proxyFrom=${'10.0.0.0/8,'.repeat(length / 11)}x`,
  'a long chain of haproxy': (length) => 'haproxy:'.repeat(length / 8),
  'a long transport': (length) => `tls:privateKey=k:transport=${quoteEndpointArgument(`fd:${'\\:'.repeat(length / 2)}`)}`
}

/** The shortest of several runs, in milliseconds of processor time: wall-clock time would include other programs. */
function cost (text: string): number {
  let least = Infinity
  for (let run = 0; run < 3; run++) {
    const start = process.cpuUsage()
    for (const call of [tokenizeEndpoint, parseEndpoint]) {
      try {
        call(text)
      } catch {
        // Most of the shapes are refused; other tests check the errors.
      }
    }
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

for (const [name, shape] of Object.entries(shapes)) {
  t.test(`the time to read ${name} grows no faster than their length`, (t) => {
    const short = cost(shape(SHORT))
    const long = cost(shape(LONG))
    t.ok(long < Math.max(NOTICEABLE, short * MOST), `${short.toFixed(1)} ms, then ${long.toFixed(1)} ms`)
    t.end()
  })
}
