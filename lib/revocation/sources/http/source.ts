/**
 * Revocations over HTTP: a CRL or certificates at a URL. It asks again when the content becomes stale, with the
 * validators of the last response.
 *
 * Over plain http only CRLs count, since they are signed. Anybody on the way could remove a certificate.
 */
import type { RevocationContent, RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'
import { type WaitLimits, nextUpdateOf, waitFor } from './freshness.js'
import { requestWithin } from './request.js'
import type { Reach } from '../reach.js'
import { sourceName } from '../source-name.js'

interface HttpSourceOptions extends Partial<WaitLimits> {
  /** Milliseconds without a byte (10,000). */
  readonly idle?: number
  /** Where the URL may lead, asked each time (anywhere). */
  readonly reach?: () => Reach | undefined
}

/** Milliseconds. */
const FLOOR = 30_000
const CEILING = 60 * 60 * 1000
const IDLE = 10_000

/** Identifies a state of the source: the validators of its response. */
interface Version {
  readonly etag?: string
  readonly modified?: string
  readonly digest: string
}

export class HttpSource implements RevocationSource {
  readonly name: string
  readonly isSignedOnly: boolean
  readonly #url: URL
  readonly #limit: number
  readonly #waitLimits: WaitLimits
  readonly #idle: number
  readonly #reach: (() => Reach | undefined) | undefined
  #onChange: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  /** When the source is to be asked again. */
  #due: number | undefined
  #nextUpdate: number | undefined
  #isClosed = false

  /** @throws Error if the line is not a URL */
  constructor (
    line: string, { limits }: Pick<RevocationSourceContext, 'limits'>,
    { floor = FLOOR, ceiling = CEILING, idle = IDLE, reach }: HttpSourceOptions = {}
  ) {
    if (!URL.canParse(line)) throw new Error('it is not a URL: write https://host/path')
    this.#url = new URL(line)
    // If a password contains a /, the rest of it would be sent to another host, and shown.
    if (this.#url.pathname.includes('@')) {
      throw new Error('there is an @ in its path: write / in a user or password as %2F, and @ in a path as %40')
    }
    this.name = sourceName(line)
    this.isSignedOnly = this.#url.protocol === 'http:'
    this.#limit = limits.fileBytes
    this.#waitLimits = { floor, ceiling }
    this.#idle = idle
    this.#reach = reach
  }

  async load (signal: AbortSignal, known?: string): Promise<RevocationContent> {
    const before = known === undefined ? undefined : readVersion(known)
    const { status, headers, bytes, digest } = await requestWithin({
      url: this.#url,
      headers: this.#headers(before),
      signal,
      limit: this.#limit,
      idle: this.#idle,
      reach: this.#reach?.()
    })
    if (status === 200) {
      if (bytes.length === 0) throw new Error('the response is empty')
      this.#nextUpdate = nextUpdateOf(bytes)
    }
    this.#due = Date.now() + waitFor(headers, this.#nextUpdate, this.#waitLimits, Date.now(), Math.random())
    this.#schedule()
    if (status === 304 && before?.etag === undefined && before?.modified === undefined) {
      throw new Error('it answers 304 to a request without a condition')
    }
    if (status === 304 || (before !== undefined && before.digest === digest)) return { version: known as string }
    const { etag, 'last-modified': modified } = headers
    const version: Version = { ...(etag !== undefined && { etag }), ...(modified !== undefined && { modified }), digest }
    return { bytes, version: JSON.stringify(version) }
  }

  watch (onChange: () => void): void {
    this.#onChange = onChange
    this.#schedule()
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #headers (before: Version | undefined): Record<string, string> {
    const { username, password } = this.#url
    return {
      accept: 'application/pkix-crl, application/pem-certificate-chain, */*;q=0.1',
      'accept-encoding': 'gzip',
      'user-agent': 'fastify-endpoint',
      ...((username !== '' || password !== '') && {
        authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
      }),
      ...(before?.etag !== undefined && { 'if-none-match': before.etag }),
      ...(before?.modified !== undefined && { 'if-modified-since': before.modified })
    }
  }

  /** Does not retry a failed load: the caller does. */
  #schedule (): void {
    clearTimeout(this.#timer)
    if (this.#isClosed || this.#onChange === undefined || this.#due === undefined) return
    this.#timer = setTimeout(() => { this.#onChange?.() }, Math.max(this.#due - Date.now(), 0)).unref()
  }
}

function readVersion (text: string): Version | undefined {
  try {
    const { etag, modified, digest } = JSON.parse(text) as Version
    return { ...(isHeader(etag) && { etag }), ...(isHeader(modified) && { modified }), digest }
  } catch {
    return undefined
  }
}

/** Whether a value, which may come from a copy on the disk, can be sent in a header. */
function isHeader (value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e\x80-\xff ]+$/.test(value)
}
