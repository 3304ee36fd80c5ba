/** Two processes that share a port, under load while one of them is killed. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Test } from 'tap'

/** Requests that each process answers before one is killed, and that the other answers afterwards. */
const REQUESTS = 200
const CLIENTS = 16
/** If a process has answered none of so many requests, it is taken to be silent. */
const MOST_REQUESTS = 20_000
/** After so many milliseconds without an answer, a request is lost. */
const PATIENCE = 3000

/** Which process answered a client, or, if its connection broke, which process had served that connection before. */
interface Answer {
  /** Undefined where the request was lost. */
  readonly pid: number | undefined
  /** The process that answered on this connection before. */
  readonly server: number | undefined
}

/** A client that keeps its connection for some requests. For a lost request it gives the process of its connection. */
class Client {
  readonly #port: number
  #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #server: number | undefined
  #asked = 0

  constructor (port: number) {
    this.#port = port
  }

  async ask (): Promise<Answer> {
    if (this.#asked++ % 10 === 9) this.#renew()
    const server = this.#server
    try {
      const outgoing = request({ host: '127.0.0.1', port: this.#port, agent: this.#agent }).end()
      // A connection that the primary of a cluster has handed to a worker that dies before it takes it is never answered, and never closed.
      outgoing.setTimeout(PATIENCE, () => outgoing.destroy())
      const [response] = await once(outgoing, 'response')
      response.setEncoding('utf8')
      let body = ''
      for await (const chunk of response) body += chunk
      this.#server = JSON.parse(body).pid as number
      return { pid: this.#server, server }
    } catch {
      this.#renew()
      return { pid: undefined, server }
    }
  }

  #renew (): void {
    this.end()
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 })
    this.#server = undefined
  }

  end (): void {
    this.#agent.destroy()
  }
}

/**
 * Clients that never pause: when both processes have answered, one is killed, and the other one goes on.
 * Only requests on connections of the killed process may be lost, one for each client.
 */
export async function killsOneUnderLoad (t: Test, port: number, pids: readonly [number, number]): Promise<void> {
  const [victim, survivor] = pids
  const answered = new Map<number, number>(pids.map((pid) => [pid, 0]))
  let killed = false
  let since = 0
  let lost = 0
  let asked = 0
  const strangers: Answer[] = []
  const load = async (): Promise<void> => {
    const client = new Client(port)
    while (since < REQUESTS) {
      if (asked++ > MOST_REQUESTS) throw new Error(`after ${MOST_REQUESTS} requests not both have answered enough of them: ${JSON.stringify([...answered])}`)
      const answer = await client.ask()
      if (answer.pid === undefined) {
        lost++
        // For the first request of a connection it is unknown which process took it.
        if (!killed || answer.server === survivor) strangers.push(answer)
        continue
      }
      answered.set(answer.pid, (answered.get(answer.pid) ?? 0) + 1)
      if (killed && answer.pid === survivor) since++
      if (!killed && pids.every((pid) => (answered.get(pid) ?? 0) >= REQUESTS)) {
        killed = true
        process.kill(victim, 'SIGKILL')
      }
    }
    client.end()
  }
  await Promise.all(Array.from({ length: CLIENTS }, load))
  t.same(strangers, [], 'no request was lost before, and none on a connection of the other one')
  t.ok(lost <= CLIENTS, `${lost} were lost with the one that was killed`)
}
