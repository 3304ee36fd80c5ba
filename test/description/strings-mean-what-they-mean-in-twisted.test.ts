/**
 * Compares the tokenizer and the parser with the recorded answers of Twisted to the same strings. Where
 * we differ on purpose, the difference is listed here with its reason. An unlisted difference fails, and so
 * does a listed difference that no longer exists.
 */
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parseEndpoint, tokenizeEndpoint } from '../../lib/description/index.js'
import type { Endpoint, SslMethod } from '../../types/endpoint.js'
import { refusalOf } from './refusal.js'

interface Failure { error: string }
interface Success { type: string, args: Record<string, unknown> }
interface Case {
  input: string
  parse: Failure | { args: string[], kwargs: Array<[string, string]> }
  expect: Failure | Success
  env?: { LISTEN_FDNAMES: string }
}

const tokenizerDifferences = new Map([
  ['tcp:80:interface=10.0.0.1:interface=10.0.0.2', 'Twisted takes the last of two keywords without a word'],
  ['tcp:80:clé=x', 'Twisted must make a Python identifier of it; here the parser says that there is no such argument']
])

const fileOutOfScope = 'the parser opens no files; the error comes when the endpoint is prepared'
const strictNumbers = 'numbers are ASCII digits only, within their range'
const anyCase = 'types are matched without regard to case, the built-in ones too'
const parserDifferences = new Map([
  ['tcp:80:interface=10.0.0.1:interface=10.0.0.2', 'Twisted takes the last of two keywords without a word'],
  ['tcp:80:interface=[\\:\\:1]', 'Twisted fails when it binds; brackets belong to URLs'],
  ['tcp:80:interface=a=b', 'Twisted fails when it binds; no host is named so'],
  ['tcp:80:interface= 127.0.0.1', 'Twisted fails when it binds; no host is named so'],
  ['tcp:80:interface=a\nb', 'Twisted fails when it binds; no host is named so'],
  ['tcp:+80', strictNumbers],
  ['tcp:65536', strictNumbers],
  ['tcp:８０', strictNumbers],
  ['tcp:80\n', strictNumbers],
  ['tcp:80:backlog=-5', strictNumbers],
  ['unix:/var/run/finger:mode=-1', strictNumbers],
  ['unix:/x:mode=0o_660', strictNumbers],
  ['unix:/var/run/finger:lockfile=-1', 'lockfile is 0 or 1'],
  ['systemd:domain=INET:index=-1', 'Python counts from the end of its list; a unit file that gains a socket would move it'],
  ['tcp:80:clé=x', 'Twisted fails at the letter; the name is unknown to us like any other'],
  ['TCP:80', anyCase],
  ['haproxy:TCP:80', anyCase],
  ['SSL:443:privateKey=server.pem', anyCase],
  ['stdio:anything:at=all', 'Twisted ignores the arguments'],
  ['stdio:reactor=x', 'the name of a Python parameter is no argument'],
  ['tls:port=443:privateKey=/etc/ssl/key.pem:certKey=/etc/ssl/crt.pem:extraCertChain=/etc/ssl/chain.pem:sslmethod=TLSv1_1_METHOD+TLSv1_2_METHOD:authorities=/etc/ssl/ca.pem:revokedFile=/etc/txcas/revoked.txt', 'Twisted itself has no type tls'],
  ['ssl:443:privateKey=server.pem:sslmethod=TLSv1_3_METHOD', 'pyOpenSSL has no such name, and TLS 1.3 needs one'],
  ['ssl:443:privateKey=server.pem:sslmethod=TLSv1_1_METHOD+TLSv1_2_METHOD', 'names may be joined'],
  ['ssl:443:privateKey=', 'an empty path is refused as such, not as the directory that it comes to'],
  ['ssl:443:privateKey=good.key:certKey=server.crt', fileOutOfScope],
  ['ssl:443:privateKey=garbage.pem', fileOutOfScope],
  ['ssl:443:privateKey=server.pem:extraCertChain=garbage.pem', fileOutOfScope],
  ['ssl:443:privateKey=server.pem:extraCertChain=nope.pem', fileOutOfScope]
])

const codes: Record<string, string> = {
  'not an integer': 'FST_ENDPOINT_INVALID_ARGUMENT',
  'unknown sslmethod': 'FST_ENDPOINT_INVALID_ARGUMENT',
  'unknown address family': 'FST_ENDPOINT_INVALID_ARGUMENT',
  'missing required argument': 'FST_ENDPOINT_MISSING_ARGUMENT',
  'unknown argument': 'FST_ENDPOINT_UNKNOWN_ARGUMENT',
  'argument given twice': 'FST_ENDPOINT_REPEATED_ARGUMENT',
  'unknown endpoint type': 'FST_ENDPOINT_UNKNOWN_TYPE',
  'no endpoint type': 'FST_ENDPOINT_UNKNOWN_TYPE',
  'trailing backslash': 'FST_ENDPOINT_SYNTAX',
  'need exactly one of index and name': 'FST_ENDPOINT_CONFLICTING_ARGUMENTS'
}

const sslmethods: Record<string, SslMethod> = {
  null: { versions: ['TLSv1.2', 'TLSv1.3'], options: [] },
  TLSv1_2_METHOD: { versions: ['TLSv1.2'], options: [] }
}

/** The result of `call`, or the code of its error. */
function outcome (call: () => unknown): unknown {
  try {
    return call()
  } catch {
    return refusalOf(call).code
  }
}

function expectedTokens ({ parse }: Case): unknown {
  return 'error' in parse ? codes[parse.error] : { positional: parse.args, keyword: new Map(parse.kwargs) }
}

/** Our endpoint in Twisted's terms, limited to the values that Twisted gives. */
function inTwistedWords (endpoint: Endpoint, answer: Success, names: string[]): Success {
  if (endpoint.type === 'systemd') {
    const { domain, index, name } = endpoint
    return { type: 'adopted-fd', args: { fd: 3 + (index ?? names.indexOf(name ?? '')), family: `AF_${domain}` } }
  }
  if (endpoint.type === 'haproxy') {
    const wrapped = inTwistedWords(endpoint.wrapped, answer.args['wrapped'] as Success, names)
    return { type: 'haproxy', args: { wrapped } }
  }
  const ours: Record<string, unknown> = { ...endpoint }
  if (endpoint.type === 'unix') ours['wantPID'] = endpoint.lockfile
  return {
    type: endpoint.type,
    args: Object.fromEntries(Object.keys(answer.args).map((name) => [name, ours[name] ?? null]))
  }
}

function expectedEndpoint ({ expect }: Case): unknown {
  if ('error' in expect) return codes[expect.error] ?? expect.error
  if (expect.type !== 'ssl' || !('sslmethod' in expect.args)) return expect
  return { ...expect, args: { ...expect.args, sslmethod: sslmethods[String(expect.args['sslmethod'])] } }
}

function ourEndpoint ({ input, expect, env }: Case): unknown {
  const ours = outcome(() => parseEndpoint(input))
  if (typeof ours === 'string' || 'error' in expect) return ours
  return inTwistedWords(ours as Endpoint, expect, env?.LISTEN_FDNAMES.split(':') ?? [])
}

const { cases }: { cases: Case[] } = JSON.parse(await readFile(new URL('endpoint-strings.json', import.meta.url), 'utf8'))

/** @param differences inputs with their reasons; each one that occurs is removed */
function compare (t: Test, differences: Map<string, string>, ours: (one: Case) => unknown, theirs: (one: Case) => unknown): void {
  const unmet = new Set(differences.keys())
  for (const one of cases) {
    const reason = differences.get(one.input)
    unmet.delete(one.input)
    if (reason === undefined) t.strictSame(ours(one), theirs(one), JSON.stringify(one.input))
    else t.strictNotSame(ours(one), theirs(one), `${JSON.stringify(one.input)}: ${reason}`)
  }
  t.strictSame([...unmet], [], 'every listed difference has a case')
  t.end()
}

t.test('the tokenizer splits every string as Twisted does', (t) => {
  compare(t, tokenizerDifferences, ({ input }) => outcome(() => tokenizeEndpoint(input)), expectedTokens)
})

t.test('the parser understands every string as Twisted does', (t) => {
  compare(t, parserDifferences, ourEndpoint, expectedEndpoint)
})
