/** The command line: run in this process, or as the program that the package installs, on a terminal or not. */
import { fileURLToPath } from 'node:url'
import { main } from '../../lib/cli/main.js'
import { run, withoutTap, type Run } from './programs.js'

export interface Terminal {
  readonly columns: number
}

/** Runs the command line in this process; `terminal` is one for both of its outputs. */
export async function runMain (args: readonly string[], { env = {}, terminal, now }: { env?: NodeJS.ProcessEnv, terminal?: Terminal, now?: () => number } = {}): Promise<Run> {
  const written = { stdout: '', stderr: '' }
  const outputTo = (name: keyof typeof written) => ({
    write (text: string) { written[name] += text },
    ...(terminal === undefined ? {} : { isTTY: true, ...terminal })
  })
  const status = await main(args, { env, stdout: outputTo('stdout'), stderr: outputTo('stderr'), ...(now === undefined ? {} : { now }) })
  return { status, ...written }
}

/** The program, as it is built. */
export const PROGRAM = fileURLToPath(new URL('../../dist/bundle/fastify-endpoint.js', import.meta.url))

/** Runs the program with this environment and a PATH. */
export async function runProgram (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const [command = '', ...rest] = withoutTap([process.execPath, PROGRAM, ...args])
  return await run(command, rest, { env: { PATH: process.env['PATH'], ...env } })
}

/** Runs the program on a terminal of its own (util-linux' script), of 100 columns; what both outputs show is in `stdout`. */
export async function runOnTerminal (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const quoted = [process.execPath, PROGRAM, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return await run('script', ['--quiet', '--return', '--command', `unset NODE_OPTIONS; stty cols 100; ${quoted}`, '/dev/null'], { env: { PATH: process.env['PATH'], TERM: 'xterm', LANG: 'C.UTF-8', ...env } })
}
