/**
 * Answers http-01 (RFC 8555 section 8.3) before the app gets the request: only for tokens that are outstanding, whatever
 * routes and hooks the app has, and also while it closes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Where the answers come from. */
export interface ChallengeAnswers {
  answerTo (token: string): string | undefined
  /** Whether the store may be looked at now. */
  readonly mayRefresh: boolean
  /** Looks for challenges that this process does not know yet. Never rejects. */
  refresh (): Promise<void>
}

const PATH = '/.well-known/acme-challenge/'
const ORIGIN = /^https?:\/\/[^/?#]*/i
const TOKEN = /^[\w-]{1,256}$/

export class ChallengeRequests {
  readonly #sources: readonly ChallengeAnswers[]

  constructor (sources: readonly ChallengeAnswers[]) {
    this.#sources = sources
  }

  /**
   * Answers a request if it is for a challenge.
   * @param pass called later for a request that is not, if that takes a look into the store
   * @returns whether the app must not get the request now
   */
  handle (request: IncomingMessage, response: ServerResponse, pass: () => void): boolean {
    const { url: target = '', method } = request
    // RFC 9112 section 3.2.2: a server must accept the absolute form too.
    const url = target.startsWith('/') ? target : target.replace(ORIGIN, '')
    if (!url.startsWith(PATH) || (method !== 'GET' && method !== 'HEAD')) return false
    const token = url.slice(PATH.length)
    if (!TOKEN.test(token)) return false
    const known = this.#answerTo(token)
    if (known !== undefined) return answer(response, known)
    const stale = this.#sources.filter(({ mayRefresh }) => mayRefresh)
    if (stale.length === 0) return false
    Promise.all(stale.map((source) => source.refresh())).then(() => {
      const found = this.#answerTo(token)
      if (found === undefined) pass()
      else answer(response, found)
    })
    return true
  }

  #answerTo (token: string): string | undefined {
    for (const source of this.#sources) {
      const found = source.answerTo(token)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** Node.js leaves out the body for HEAD. */
function answer (response: ServerResponse, body: string): true {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': Buffer.byteLength(body) })
  response.end(body)
  return true
}
