/** The clients of HTTP/2: sessions that stay open, or a new one for each request. They are Node's own. */
import { once } from 'node:events'
import { connect, type ClientHttp2Session } from 'node:http2'
import { countFor, type Load, type Target } from './load.js'

async function open ({ port, context }: Target): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ...(context !== undefined && { secureContext: context }), servername: 'localhost' })
  await once(session, 'connect')
  return session
}

async function ask (session: ClientHttp2Session): Promise<void> {
  const request = session.request({ ':path': '/' })
  const [headers] = await once(request, 'response') as [{ ':status'?: number }]
  if (headers[':status'] !== 200) throw new Error(`an answer that was not expected: ${headers[':status']}`)
  request.resume()
  await once(request, 'end')
}

/** Requests in sessions that stay open, one at a time in each. */
export class Sessions implements Load {
  readonly #sessions: readonly ClientHttp2Session[]

  private constructor (sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions
  }

  static async open (target: Target, count: number): Promise<Sessions> {
    const sessions: ClientHttp2Session[] = []
    for (let index = 0; index < count; index++) sessions.push(await open(target))
    return new Sessions(sessions)
  }

  async run (milliseconds: number): Promise<number> {
    const end = performance.now() + milliseconds
    let count = 0
    await Promise.all(this.#sessions.map(async (session) => {
      for (; performance.now() < end; count++) await ask(session)
    }))
    return count
  }

  close (): void {
    for (const session of this.#sessions) session.destroy()
  }
}

/** New sessions with a full handshake and one request each, which the client closes. */
export class NewSessions implements Load {
  readonly #target: Target
  readonly #parallel: number

  constructor (target: Target, parallel: number) {
    this.#target = target
    this.#parallel = parallel
  }

  async run (milliseconds: number): Promise<number> {
    return await countFor(milliseconds, this.#parallel, async () => {
      const session = await open(this.#target)
      await ask(session)
      const closed = once(session, 'close')
      session.close()
      await closed
    })
  }

  close (): void {}
}
