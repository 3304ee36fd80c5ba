/**
 * A directory of RFC 8555 that does what a test says. It verifies no signature and validates nothing: Pebble does. It issues
 * from a CA of its own.
 */
import { createPublicKey, type webcrypto, webcrypto as crypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parseEndpoint, quoteEndpointArgument } from '../../lib/index.js'
import { AcmeSource, type AcmeTiming } from '../../lib/acme/acme-source.js'
import { OutstandingChallenges } from '../../lib/acme/challenges.js'
import { Directory } from '../../lib/acme/directory.js'
import { codedFailure } from '../../lib/acme/failure.js'
import { type ChallengeType, newKey, OrderRun } from '../../lib/acme/order.js'
import { AcmeStore } from '../../lib/acme/store.js'
import type { SourcedCredentials } from '../../types/credential-source.js'
import type { AcmeArguments, TlsEndpoint } from '../../types/endpoint.js'
import type { LogLine } from './log.js'
import { childrenOf } from './der.js'
import { createAuthority, type Authority } from './pki.js'
import { makeShortFolder } from './unix-sockets.js'
import { PATIENCE } from './until.js'

/** An answer in place of the usual one. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is if it is a string. */
  readonly body?: unknown
  /** Never answers. */
  readonly isSilent?: boolean
}

/** The resources of a directory. */
export type Resource = 'dir' | 'nonce' | 'account' | 'order' | 'look' | 'authz' | 'challenge' | 'finalize' | 'cert' | 'ari'

export interface Call {
  readonly resource: Resource
  readonly payload: Record<string, unknown>
  readonly path: string
}

interface FakeOrder {
  readonly names: readonly string[]
  status: string
  isAnswered: boolean
  chain: string
}

export const PROBLEM = 'urn:ietf:params:acme:error:'

export class FakeDirectory {
  readonly authority: Authority
  readonly server: Server
  /** Everything that was asked, in order. */
  readonly calls: Call[] = []
  /** The next answers of a resource in place of the usual ones, first in, first out; `always` for all of them. */
  readonly replies = new Map<Resource, Reply[]>()
  readonly always = new Map<Resource, Reply>()
  /** How certificates are issued. */
  life = { before: 24 * 60 * 60 * 1000, after: 90 * 24 * 60 * 60 * 1000 }
  /** Changes a chain before it is handed out. */
  change: (chain: string) => string | Promise<string> = (chain) => chain
  /** Whether the directory has renewal information, and what it says. */
  window: { start: string, end: string } | undefined
  /** Whether an order is first shown as processing after finalize. */
  isSlow = false
  /** Types of challenges that it offers. */
  types = ['http-01', 'tls-alpn-01', 'dns-01']
  date: () => Date = () => new Date()
  /** How it is called. */
  host = '127.0.0.1'
  readonly #orders: FakeOrder[] = []
  readonly caFile: string

  private constructor (authority: Authority, server: Server, caFile: string) {
    this.authority = authority
    this.server = server
    this.caFile = caFile
  }

  static async start (t: Test): Promise<FakeDirectory> {
    const authority = await createAuthority({ name: 'Fake CA' })
    const own = await authority.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
    const caFile = join(makeShortFolder(t), 'ca.pem')
    await writeFile(caFile, authority.certificate)
    const server = createServer({ key: own.key, cert: own.chain })
    const directory = new FakeDirectory(authority, server, caFile)
    server.on('request', (request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece)).on('end', () => {
        directory.#answer(request.url ?? '', Buffer.concat(pieces).toString()).then((reply) => {
          if (reply.isSilent === true) return
          const { status = 200, headers = {}, body = '' } = reply
          response.writeHead(status, { date: directory.date().toUTCString(), 'replay-nonce': 'n', 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers })
          response.end(typeof body === 'string' ? body : JSON.stringify(body))
        })
      })
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return directory
  }

  get url (): string {
    return `https://${this.host}:${(this.server.address() as AddressInfo).port}`
  }

  /** How often a resource was asked. */
  count (resource: Resource): number {
    return this.calls.filter((call) => call.resource === resource).length
  }

  reply (resource: Resource, ...replies: Reply[]): void {
    this.replies.set(resource, [...this.replies.get(resource) ?? [], ...replies])
  }

  /** The settings of an endpoint that orders here. */
  settings (store: string, more = '', names = 'example.org'): AcmeArguments {
    const text = `tls:443:acme=${names}:acmeTerms=agreed:acmeStore=${quoteEndpointArgument(store)}` +
      `:acmeDirectory=${quoteEndpointArgument(`${this.url}/dir`)}:acmeCa=${quoteEndpointArgument(this.caFile)}${more}`
    return (parseEndpoint(text) as TlsEndpoint).acme as AcmeArguments
  }

  async #answer (path: string, body: string): Promise<Reply> {
    const [, resource = '', id = '0'] = path.split('/') as [string, Resource, string]
    const signed = body === '' ? {} as { payload?: string } : JSON.parse(body) as { payload?: string }
    const text = Buffer.from(signed.payload ?? '', 'base64url').toString()
    this.calls.push({ resource: resource as Resource, payload: text === '' ? {} : JSON.parse(text) as Record<string, unknown>, path })
    const replies = this.replies.get(resource as Resource)
    const special = replies?.shift() ?? this.always.get(resource as Resource)
    return special ?? await this.#usual(resource as Resource, Number(id), this.calls.at(-1) as Call)
  }

  async #usual (resource: Resource, id: number, { payload, path }: Call): Promise<Reply> {
    const { url } = this
    const order = this.#orders[id] as FakeOrder
    switch (resource) {
      case 'dir': return {
        body: {
          newNonce: `${url}/nonce`,
          newAccount: `${url}/account`,
          newOrder: `${url}/order`,
          ...this.window !== undefined && { renewalInfo: `${url}/ari` },
          meta: { termsOfService: `${url}/terms` }
        }
      }
      case 'nonce': return {}
      case 'account': return { status: path === '/account' ? 201 : 200, headers: { location: `${url}/account/1` }, body: { status: 'valid' } }
      case 'order': {
        const names = (payload['identifiers'] as Array<{ value: string }>).map(({ value }) => value)
        this.#orders.push({ names, status: 'pending', isAnswered: false, chain: '' })
        const place = this.#orders.length - 1
        return { status: 201, headers: { location: `${url}/look/${place}` }, body: this.#show(place) }
      }
      case 'look': {
        const body = this.#show(id)
        if (order.status === 'processing') order.status = 'valid'
        return { body }
      }
      case 'authz': return {
        body: {
          identifier: { type: 'dns', value: order.names[0] },
          status: order.isAnswered ? 'valid' : 'pending',
          challenges: this.types.map((type) => ({ type, url: `${url}/challenge/${id}/${type}`, token: `token${id}`, status: order.isAnswered ? 'valid' : 'pending' }))
        }
      }
      case 'challenge':
        order.isAnswered = true
        order.status = 'ready'
        return { body: { type: 'http-01', url: `${url}/challenge/${id}`, token: `token${id}`, status: 'processing' } }
      case 'finalize':
        order.chain = await this.#issue(order.names, payload['csr'] as string)
        order.status = this.isSlow ? 'processing' : 'valid'
        return { headers: { 'retry-after': '1' }, body: this.#show(id) }
      case 'cert': return { body: await this.change(order.chain) }
      case 'ari': return { headers: { 'retry-after': '3600' }, body: { suggestedWindow: this.window } }
    }
  }

  #show (id: number): object {
    const { url } = this
    const { status } = this.#orders[id] as FakeOrder
    return {
      status,
      finalize: `${url}/finalize/${id}`,
      authorizations: [`${url}/authz/${id}`],
      ...status === 'valid' && { certificate: `${url}/cert/${id}` }
    }
  }

  async #issue (names: readonly string[], csr: string): Promise<string> {
    const spki = childrenOf(childrenOf(Buffer.from(csr, 'base64url'))[0] as Buffer)[2] as Buffer
    createPublicKey({ key: spki, format: 'der', type: 'spki' })
    const own = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair
    const publicKey = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
    const now = Date.now()
    const issued = await this.authority.issue({
      name: names[0] as string,
      usage: 'server',
      dnsNames: [...names],
      keyPair: { publicKey, privateKey: own.privateKey },
      notBefore: new Date(now - this.life.before),
      notAfter: new Date(now + this.life.after)
    })
    return issued.chain
  }
}

/** As fast as it can be tested. */
export const FAST: AcmeTiming = { tick: 5, spread: 0, poll: 5, attempt: PATIENCE, call: PATIENCE, lease: PATIENCE, firstWait: 50 }

export interface Ordering {
  readonly source: AcmeSource
  readonly log: LogLine[]
}

interface OrderOptions {
  readonly types?: ChallengeType[]
  readonly demandLease?: () => Promise<void>
  readonly replaces?: string
}

/** Orders without the loop around it: one worker for many orders. */
export class SingleOrders {
  readonly directory: Directory
  readonly #log: LogLine[] = []

  constructor (t: Test, settings: AcmeArguments, ca: string, { limit = PATIENCE, eab }: { limit?: number, eab?: { kid: string, hmacKey: string } } = {}) {
    const accountKey = newKey()
    this.directory = new Directory({ directory: settings.directory, accountKey, accountUrl: undefined, ca, eab }, { limit, now: Date.now })
    t.teardown(() => { this.directory.close() })
  }

  get log (): string {
    return JSON.stringify(this.#log)
  }

  /** Registers the account and orders. */
  async order (settings: AcmeArguments, { types = ['tls-alpn-01', 'http-01'], demandLease = async () => {}, replaces }: OrderOptions = {}): Promise<SourcedCredentials> {
    const store = new AcmeStore(settings)
    await store.open()
    const note = (fields: object, msg: string): void => { this.#log.push({ ...fields, level: 30, msg }) }
    await this.directory.meta()
    await this.directory.account([])
    return await new OrderRun({
      settings,
      directory: this.directory,
      store,
      challenges: new OutstandingChallenges(async () => []),
      types,
      timing: FAST,
      log: { debug: note, info: note, warn: note, error: note },
      now: Date.now,
      replaces,
      wait: async () => {},
      demandLease
    }).run()
  }

  /** The error of an order that fails. */
  async failure (settings: AcmeArguments, options?: OrderOptions): Promise<Error & { code?: string }> {
    try {
      await this.order(settings, options)
    } catch (thrown) {
      return codedFailure(thrown, settings)
    }
    throw new Error('it did not fail')
  }
}

/** A source that orders from a directory at once. */
export async function startOrdering (
  t: Test, settings: AcmeArguments, { timing = FAST, now = Date.now }: { timing?: AcmeTiming, now?: () => number } = {}
): Promise<Ordering> {
  const log: LogLine[] = []
  const write = (level: number) => (fields: object, msg: string): void => { log.push({ ...fields, level, msg }) }
  const source = await AcmeSource.open({
    settings, endpoint: 'tls:443', now, timing, types: ['tls-alpn-01', 'http-01'], log: { debug () {}, info: write(30), warn: write(40), error: write(50) }
  })
  t.teardown(() => source.close())
  source.begin()
  return { source, log }
}
