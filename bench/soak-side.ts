/** The process of `soak-server.ts`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { answerOf } from './server-process.js'
import type { SoakCommand, SoakReport } from './soak-server.js'

/** The callers that wait, by the number of their command. */
interface Asked {
  readonly resolve: (report: SoakReport) => void
  readonly reject: (error: Error) => void
}

/** The server may answer commands in any order. */
export class ServerSide {
  readonly #child
  readonly #asked = new Map<number, Asked>()
  #commands = 0

  /** @param onEnd called with the exit status, or the signal, when the process ends */
  constructor (folder: string, onEnd: (how: number | string | null) => void = () => {}) {
    this.#child = fork(fileURLToPath(new URL('soak-server.js', import.meta.url)), [folder], { execArgv: [...process.execArgv, '--expose-gc'] })
    this.#child.on('message', (report: SoakReport) => {
      this.#asked.get(report.id)?.resolve(report)
      this.#asked.delete(report.id)
    })
    this.#child.once('exit', (code, by) => {
      for (const { reject } of this.#asked.values()) reject(new Error(`the server ended (${code ?? by})`))
      onEnd(code ?? by)
    })
  }

  async port (): Promise<number> {
    return (await answerOf<{ port: number }>(this.#child)).port
  }

  async report (command: Omit<SoakCommand, 'id'> = {}): Promise<SoakReport> {
    return await new Promise((resolve, reject) => {
      const id = this.#commands++
      this.#asked.set(id, { resolve, reject })
      this.#child.send({ id, ...command }, (error) => { if (error !== null) reject(error) })
    })
  }

  async isRevoked (revoked: string): Promise<boolean | undefined> {
    return (await this.report({ revoked })).revoked
  }

  async stop (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}
