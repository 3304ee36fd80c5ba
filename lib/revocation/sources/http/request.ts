/**
 * One GET with limits on its time, its bytes (also after inflating), and the targets of redirects.
 *
 * A response may not choose freely where to go next. A redirect from https to http is rejected. A redirect to a
 * different kind of address is rejected unless that address is public: an outside server could otherwise make this
 * process request services that only it can reach, such as the metadata of a cloud. Addresses are checked when they are
 * connected to, so that a name cannot change its address in between. The same limits can apply to a first URL that
 * somebody else has named.
 *
 * A response whose only end is the end of its connection may be truncated anywhere, even between two PEM blocks. It is
 * accepted only if its bytes themselves show that they are complete.
 */
import { type ClientRequest, get as getPlain, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http'
import { get as getSecure, type RequestOptions as TlsOptions } from 'node:https'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { errors } from '../../../errors.js'
import { DerCursor, SEQUENCE } from '../../../x509/der.js'
import { GrowingBytes } from './growing-bytes.js'
import { kindOf } from '../address-kind.js'
import { checkHost, lookupWithin, type Reach } from '../reach.js'
import { sourceName } from '../source-name.js'

interface HttpRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Aborts the request, with its reason. */
  readonly signal: AbortSignal
  /** Bytes, as sent and inflated. */
  readonly limit: number
  /** Milliseconds without a byte. */
  readonly idle: number
  /** Where its URL may lead (anywhere). */
  readonly reach?: Reach | undefined
}

interface HttpAnswer {
  /** 200 or 304. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** SHA-256 of the bytes, in base64. */
  readonly digest: string
}

const MOST_REDIRECTS = 3
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * @throws Error with a message for people, without credentials; FST_ENDPOINT_SOURCE_TOO_LARGE; the reason of the signal
 */
export async function requestWithin (request: HttpRequest): Promise<HttpAnswer> {
  let { url, headers } = request
  let { reach } = request
  for (let redirects = 0; ; redirects++) {
    const response = await respond({ ...request, url, headers, reach })
    const { statusCode: status = 0, headers: { location } } = response
    if (!REDIRECTS.has(status)) return await readAnswer(response, request)
    response.destroy()
    if (redirects === MOST_REDIRECTS) throw new Error(`it redirects more than ${MOST_REDIRECTS} times`)
    if (location === undefined || !URL.canParse(location, url.href)) throw new Error(`it answers ${status} without a usable Location`)
    const next = new URL(location, url)
    if (next.protocol !== 'https:' && next.protocol !== 'http:') throw new Error(`it redirects to a ${next.protocol} address`)
    if (url.protocol === 'https:' && next.protocol === 'http:') throw new Error('it redirects from https to http')
    // Credentials are only for the server that they were given for.
    if (next.origin !== url.origin) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'))
    const from = kindOf(remoteAddresses.get(response) ?? '')
    reach = { kinds: new Set([from, 'public']), who: `it redirects from a ${from} address` }
    url = next
  }
}

/** Where a response came from, recorded early: its socket may be gone later. */
const remoteAddresses = new WeakMap<IncomingMessage, string>()

function respond ({ url, headers, signal, idle, reach }: HttpRequest): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  checkHost(reach, host)
  const options: RequestOptions & Pick<TlsOptions, 'rejectUnauthorized'> = {
    headers,
    agent: false,
    timeout: idle,
    // Even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
    rejectUnauthorized: true,
    ...(reach !== undefined && { lookup: lookupWithin(reach) })
  }
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getSecure : getPlain
    // The user and password of the URL are in a header already.
    const target = new URL(url)
    target.username = ''
    target.password = ''
    const outgoing: ClientRequest = get(target, options, (response) => {
      remoteAddresses.set(response, response.socket.remoteAddress ?? '')
      resolve(response)
    })
    const end = (): void => { outgoing.destroy(signal.reason) }
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    outgoing.on('timeout', () => { outgoing.destroy(new Error(`no data came for ${idle} ms`)) })
    outgoing.on('error', reject)
    outgoing.on('close', () => { signal.removeEventListener('abort', end) })
  })
}

async function readAnswer (response: IncomingMessage, { limit, signal, url, idle }: HttpRequest): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response
  if (status === 304) {
    response.resume()
    return { status, headers, bytes: Buffer.alloc(0), digest: '' }
  }
  try {
    if (status !== 200) throw new Error(`it answers ${status}`)
    const encoding = headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
      throw new Error('it answers in an encoding that was not requested')
    }
    const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
    const tooLarge = (): Error => new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(`source ${sourceName(url.href)}`, 'bytes', 'fileBytes', limit)
    if (length !== undefined && length > limit) throw tooLarge()
    const body = new GrowingBytes(limit, encoding === 'identity' ? length : undefined)
    const readable: Readable = encoding === 'identity' ? response : pipeline(response, createGunzip(), () => {})
    response.socket.setTimeout(idle)
    const end = (): void => { readable.destroy(signal.reason) }
    signal.addEventListener('abort', end, { once: true })
    try {
      for await (const piece of readable) if (!body.append(piece)) throw tooLarge()
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ECONNRESET') throw new Error('the response was cut short')
      throw thrown
    } finally {
      signal.removeEventListener('abort', end)
    }
    const isBounded = length !== undefined || /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '')
    if (!isBounded && !isWholeDer(body.bytes)) {
      throw new Error('the response ends with the connection, so it may be incomplete: have the server send Content-Length')
    }
    return { status, headers, bytes: body.bytes, digest: body.digest() }
  } finally {
    response.destroy()
  }
}

function isWholeDer (bytes: Buffer): boolean {
  try {
    const at = new DerCursor()
    at.expectTag(bytes, 0, bytes.length, SEQUENCE)
    return at.end === bytes.length
  } catch {
    return false
  }
}
