/** Programs that inherit sockets from a parent, as from systemd, and requests to them. */
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { Child } from './children.js'
import { PYTHON, withoutTap } from './programs.js'

const HAND_OVER = fileURLToPath(new URL('hand-over.py', import.meta.url))

/**
 * The command that runs a program of test/programs as `npm run programs` has compiled it: it starts in
 * a fraction of the time, and what it runs is not counted as covered.
 */
export function compiled (name: string, ...args: string[]): string[] {
  return withoutTap([process.execPath, fileURLToPath(new URL(`../../dist/test/programs/${name}.js`, import.meta.url)), ...args])
}

/** The same with the loader that runs this test, which counts. */
export function counted (name: string, ...args: string[]): string[] {
  return [process.execPath, ...process.execArgv, fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url)), ...args]
}

export interface Heir {
  readonly child: Child
  /** The port of each descriptor from 3 on; undefined for one that has none. */
  readonly ports: Array<number | undefined>
}

/**
 * Starts a command that inherits sockets: see hand-over.py for the words that say which.
 */
export async function handOver (t: Test, words: readonly string[], command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Heir> {
  const child = new Child(t, PYTHON, [HAND_OVER, ...words, '--', ...command], { env: { ...process.env, ...env } })
  const count = words.filter((word) => !word.includes('=') || /^(?:unix|tcp)=/.test(word)).length
  const lines = count === 0 ? [] : (await child.prints(new RegExp(`(?:\\{"descriptor".*\\}\\s+){${count}}`)))[0].trim().split('\n')
  return { child, ports: lines.map((line) => JSON.parse(line).port ?? undefined) }
}

export interface PlainAnswer {
  readonly status: number
  readonly body: string
}

/** One GET on a connection of its own. */
export async function ask (where: { port: number, host?: string } | { socketPath: string }, path = '/'): Promise<PlainAnswer> {
  const outgoing = request({ host: '127.0.0.1', ...where, path, agent: false }).end()
  const [response] = await once(outgoing, 'response')
  response.setEncoding('utf8')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, body }
}

/** The outcome of each endpoint string in a process that inherits what the words say. */
export async function tryEach (t: Test, words: readonly string[], descriptions: readonly string[], command = compiled): Promise<Array<Record<string, string>>> {
  const { child } = await handOver(t, words, command('try-each', ...descriptions))
  t.match(await child.ended, { status: 0 }, 'nothing keeps the process alive')
  return [...child.output.matchAll(/^\{"(?:listening|code)".*$/gm)].map(([line]) => JSON.parse(line))
}

/** Expects each string to be refused with this code and message, which says of which endpoint it is. */
export async function refusesEach (t: Test, words: readonly string[], rows: ReadonlyArray<[description: string, code: string, message: RegExp | string, argument?: string]>, command = compiled): Promise<void> {
  const results = await tryEach(t, words, rows.map(([description]) => description), command)
  t.equal(results.length, rows.length)
  for (const [index, [description, code, message, argument]] of rows.entries()) {
    t.match(results[index], { code: `FST_ENDPOINT_${code}`, endpoint: description, message: typeof message === 'string' ? `"${description}" cannot be opened: ${message}` : message }, description)
    t.equal(results[index]?.['argument'], argument)
  }
}
