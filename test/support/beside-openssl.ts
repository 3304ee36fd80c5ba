/**
 * Sends the same chains to an app and to a bare server of Node.js, each in its own process. Neither process may end, and the app
 * must reject what OpenSSL rejects. The bare server is asked only where its answer matters.
 */
import type { Test } from 'tap'
import { Child, startProgram } from './children.js'
import type { Site } from './mutual-tls.js'
import { knock, type RawClient } from './raw-tls-client.js'

export interface SentChain extends Pick<RawClient, 'version' | 'chain' | 'key'> {
  readonly name: string
  /** Whether OpenSSL is asked even if the app rejects it. */
  readonly isOwed?: boolean
}

export interface Verdict {
  readonly name: string
  readonly isServed: boolean
  /** Whether OpenSSL accepts it; undefined where that was not asked. */
  readonly isAccepted: boolean | undefined
}

interface Server {
  readonly child: Child
  readonly port: number
}

/** Chains on their way at a time. */
const AT_A_TIME = 4

export class BesideOpenssl {
  readonly #app: Server
  readonly #bare: Server

  static async start (t: Test, site: Site): Promise<BesideOpenssl> {
    const [app, bare] = await Promise.all([start(t, 'serve', site.endpoint()), start(t, 'bare-mutual-tls', site.folder)])
    return new BesideOpenssl(app, bare)
  }

  private constructor (app: Server, bare: Server) {
    this.#app = app
    this.#bare = bare
  }

  /** The answers of both. @throws with the names of the chains that ended a process */
  async judge (chains: readonly SentChain[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = []
    for (let start = 0; start < chains.length; start += AT_A_TIME) {
      const some = chains.slice(start, start + AT_A_TIME)
      verdicts.push(...await Promise.all(some.map(async (chain) => {
        const served = await isServed(this.#app.port, chain)
        return { name: chain.name, isServed: served, isAccepted: served || chain.isOwed === true ? await isServed(this.#bare.port, chain) : undefined }
      })))
      for (const { child } of [this.#app, this.#bare]) {
        const { exitCode, signalCode } = child.process
        if (exitCode !== null || signalCode !== null) throw new Error(`ended by ${signalCode ?? exitCode} over one of ${some.map(({ name }) => name).join('; ')}: ${child.output.slice(-500)}`)
      }
    }
    return verdicts
  }
}

async function start (t: Test, program: string, argument: string): Promise<Server> {
  const child = startProgram(t, program, [argument])
  const [, address = ''] = await child.prints(/listening (\{.*\})/)
  return { child, port: (JSON.parse(address) as { port: number }).port }
}

async function isServed (port: number, { version, chain, key }: SentChain): Promise<boolean> {
  return (await knock({ port, version, chain, key })).text.startsWith('HTTP/1.1 200')
}
