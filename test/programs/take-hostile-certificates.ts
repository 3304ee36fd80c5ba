/**
 * Puts certificates in a place of a site, one group after the other, and writes a line after each. So the test sees at
 * which group the process ended.
 *
 *     take-hostile-certificates PLACE FOLDER CASES FROM
 *
 * CASES is a file of JSON: groups of certificates in base64, each in several forms. FROM is the first group that is tried.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEndpoint, quoteEndpointArgument } from '../../lib/index.js'
import { main } from '../../lib/cli/main.js'
import { loadRevocations } from '../../lib/revocation/index.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { readContent } from '../../lib/revocation/sources/content.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { pemOf } from '../support/hostile-keys.js'

export interface HostileCase {
  readonly name: string
  /** The key itself. */
  readonly key: string
  /** A client's certificate with the key, that the authority has signed. */
  readonly leaf: string
  /** The authority's own certificate with the key, that nobody has signed. */
  readonly twin: string
  /** The same, that the authority has signed. */
  readonly cross: string
}

const [place = '', folder = '', file = '', from = '0'] = process.argv.slice(2)
const path = (name: string): string => join(folder, name)
const named = (name: string): string => quoteEndpointArgument(path(name))
const read = (name: string): string => readFileSync(path(name), 'utf8')
const der = (base64: string): Buffer => Buffer.from(base64, 'base64')

function endpointWith (parts: Record<string, string>): string {
  const all = { privateKey: 'server.key', certKey: 'server.pem', authorities: 'ca.pem', revokedFile: 'revoked.txt', ...parts }
  return ['tls', '0', 'interface=127.0.0.1', ...Object.entries(all).map(([name, value]) => `${name}=${named(value)}`)].join(':')
}

const pemOfAll = (some: readonly HostileCase[], ...forms: Array<'leaf' | 'twin' | 'cross'>): string =>
  some.flatMap((one) => forms.map((form) => pemOf(der(one[form])))).join('')

const load = (parts: Record<string, string>): Promise<unknown> => loadCredentials(parseEndpoint(endpointWith(parts)) as TlsEndpoint)

/** The exit status; whatever a command prints is right but the trace of a stack. */
async function command (...args: string[]): Promise<string> {
  let printed = ''
  const output = { write (text: string) { printed += text } }
  const status = await main(args, { env: {}, stdout: output, stderr: output })
  if (/^ +at /m.test(printed)) throw new Error(`a stack trace: ${printed}`)
  return `status ${status}`
}

const signers = new Authorities([der(JSON.parse(read('site.json')).ca)])
const reading = { authorities: signers, reader: new ReaderThread(), limits: { fileBytes: 1e6, entries: 1000 } }

/** Each uses several at once, or always one, and returns a word for the outcome. */
const PLACES: Record<string, (some: readonly HostileCase[]) => Promise<unknown>> = {
  async authorities (some) {
    writeFileSync(path('hostile.pem'), read('ca.pem') + pemOfAll(some, 'twin', 'cross'))
    await load({ authorities: 'hostile.pem' })
  },
  async list (some) {
    writeFileSync(path('hostile.pem'), pemOfAll(some, 'leaf', 'twin'))
    const set = await loadRevocations({ patterns: [path('hostile.pem')], authorities: signers.certificates })
    for (const { leaf, twin } of some) set.status([der(leaf), der(twin)], { unknownStatus: 'deny' })
  },
  async 'CRL signer' (some) {
    const hostile = some.flatMap(({ twin, cross }) => [der(twin), der(cross)])
    for (const crl of ['ca.crl', 'rsa.crl', 'ed25519.crl']) {
      const set = await loadRevocations({ patterns: [path(crl)], authorities: [...signers.certificates, ...hostile] })
        .catch((thrown) => { if (thrown.code !== 'FST_ENDPOINT_CRL_UNSIGNED') throw thrown })
      for (const { cross } of some) set?.status([der(cross)], { unknownStatus: 'deny' })
    }
    await loadRevocations({ patterns: [path('ca.crl')], authorities: hostile })
  },
  async source (some) {
    await readContent({ bytes: Buffer.concat(some.flatMap(({ leaf, twin }) => [der(leaf), der(twin)])) }, 'a source', false, reading)
  },
  async status (some) {
    writeFileSync(path('hostile.pem'), pemOfAll(some, 'leaf', 'twin', 'cross'))
    writeFileSync(path('behind.pem'), read('alice.pem') + pemOfAll(some, 'twin', 'cross'))
    writeFileSync(path('authorities.pem'), read('ca.pem') + pemOfAll(some, 'twin', 'cross'))
    const outcomes = [
      await command('status', path('hostile.pem'), endpointWith({})),
      await command('status', '--json', path('behind.pem'), endpointWith({})),
      await command('status', path('alice.pem'), '--list', path('revoked.txt'), '--authorities', path('authorities.pem'))
    ]
    return outcomes.join(', ')
  },
  async check (some) {
    writeFileSync(path('hostile.pem'), read('server.pem') + pemOfAll(some, 'twin', 'leaf'))
    writeFileSync(path('extra.pem'), pemOfAll(some, 'cross'))
    writeFileSync(path('authorities.pem'), read('ca.pem') + pemOfAll(some, 'twin', 'cross'))
    return await command('check', '--json', endpointWith({ certKey: 'hostile.pem', extraCertChain: 'extra.pem', authorities: 'authorities.pem' }))
  },
  async certKey ([one]) {
    writeFileSync(path('hostile.pem'), pemOf(der((one as HostileCase).leaf)))
    await load({ certKey: 'hostile.pem' })
  },
  async extraCertChain (some) {
    writeFileSync(path('hostile.pem'), pemOfAll(some, 'twin'))
    await load({ extraCertChain: 'hostile.pem' })
  },
  async sni ([one]) {
    const { leaf, twin } = one as HostileCase
    writeFileSync(path('names/DEFAULT.pem'), read('server.key') + read('server.pem') + pemOf(der(twin)))
    writeFileSync(path('names/hostile.test.pem'), read('server.key') + pemOf(der(leaf)))
    await load({ sni: 'names' })
  },
  async privateKey ([one]) {
    writeFileSync(path('hostile.key'), pemOf(der((one as HostileCase).key), 'PRIVATE KEY'))
    const checked = await command('check', endpointWith({ privateKey: 'hostile.key' }))
    await load({ privateKey: 'hostile.key' })
    return checked
  }
}

process.removeAllListeners('warning').on('warning', () => {})
const cases = JSON.parse(readFileSync(file, 'utf8')) as HostileCase[][]
for (const [index, some] of cases.entries()) {
  if (index < Number(from)) continue
  const outcome = await (PLACES[place] as (some: readonly HostileCase[]) => Promise<unknown>)(some).catch((thrown) => {
    const codes = [thrown, ...thrown.errors ?? []].map(({ code }) => code)
    if (!codes.every((code) => /^FST_ENDPOINT_/.test(code))) return `no coded error: ${thrown.stack}`
    return codes.join(', ')
  })
  // To a file: a pipe that nobody reads at the moment takes nothing, and what is queued is lost if the process ends.
  appendFileSync(`${file}.outcomes`, `${JSON.stringify({ index, outcome: outcome ?? 'taken' })}\n`)
}
reading.reader.close()
