/**
 * Processes of our own that a test starts, watches and ends. Each is ended by its pid when the test
 * is over, if it has not ended before.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export interface Ending {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

export class Child {
  readonly process: ChildProcess
  /** Standard output and standard error, as they came. */
  output = ''
  readonly ended: Promise<Ending>

  constructor (t: Pick<Test, 'teardown'>, command: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv, cwd?: string } = {}) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => { this.output += text })
    }
    this.ended = once(this.process, 'close').then(([status, signal]) => ({ status, signal }))
    // A test that times out ends without its teardown.
    const killed = (): void => this.kill('SIGKILL')
    process.once('exit', killed)
    t.teardown(async () => {
      process.removeListener('exit', killed)
      killed()
      await this.ended
    })
  }

  get pid (): number {
    if (this.process.pid === undefined) throw new Error('the process was not started')
    return this.process.pid
  }

  kill (signal: NodeJS.Signals): void {
    // It may have ended already, before this process has learnt of it. That is no error here, but one of process.kill().
    this.process.kill(signal)
  }

  /** Waits until the output matches, and gives the match; rejects if the process ends before. */
  async prints (pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output)
      if (found !== null) return found
      const { stdout, stderr } = this.process as { stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream }
      const waiting = new AbortController()
      const more = Promise.race([stdout, stderr].map((stream) => once(stream as NodeJS.EventEmitter, 'data', { signal: waiting.signal })))
      const ended = await Promise.race([more.then(() => false), this.ended.then(() => true)])
      // The other one would be listened to on and on.
      more.catch(() => {})
      waiting.abort()
      if (ended && !pattern.test(this.output)) throw new Error(`ended before it printed ${pattern}: ${this.output}`)
    }
  }
}

/** Starts a TypeScript program of test/programs with the loader that runs this test. */
export function startProgram (t: Test, name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Child {
  const file = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url))
  return new Child(t, process.execPath, [...process.execArgv, file, ...args], { env: { ...process.env, ...env } })
}
