/** The server of `soak-server.ts`, seen from its parent. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { answerOf } from './server-process.js'
import type { SoakCommand, SoakReport } from './soak-server.js'

/** Commands are answered in whatever order the server is done with them. */
export class ServerSide {
  readonly #child
  #asked = 0

  /** @param onEnd called with the exit status, or the signal, when the process ends */
  constructor (folder: string, onEnd: (how: number | string | null) => void = () => {}) {
    this.#child = fork(fileURLToPath(new URL('soak-server.js', import.meta.url)), [folder], { execArgv: [...process.execArgv, '--expose-gc'] })
    this.#child.setMaxListeners(50)
    this.#child.once('exit', (code, by) => { onEnd(code ?? by) })
  }

  async port (): Promise<number> {
    return (await answerOf<{ port: number }>(this.#child)).port
  }

  async report (command: Omit<SoakCommand, 'id'> = {}): Promise<SoakReport> {
    const id = this.#asked++
    this.#child.send({ id, ...command })
    for (;;) {
      const report = await answerOf<SoakReport>(this.#child)
      if (report.id === id) return report
    }
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
