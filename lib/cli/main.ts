/**
 * The command line: finds the command and runs it. The module of a command is loaded only when it is called, so that no
 * command waits for the imports of another.
 */
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { nearest } from '../text/nearest.js'
import { visible } from '../text/printable.js'
import { reasonOf } from '../errors.js'
import { type Command, type ExitStatus, print, type Surroundings, UsageError } from './command.js'
import { helpFor } from './help.js'

const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['check', async () => (await import('./check.js')).check],
  ['status', async () => (await import('./status.js')).status],
  ['revoke', async () => (await import('./revoke.js')).revoke],
  ['allow', async () => (await import('./allow.js')).allow]
])

/**
 * Runs the command line.
 * @param args without the program's own name
 * @returns the exit status
 */
export async function main (args: readonly string[], surroundings: Surroundings): Promise<ExitStatus> {
  const [name, ...rest] = args
  try {
    switch (name) {
      case undefined: throw new UsageError('no command given')
      case '--version': return show(surroundings, versionOfPackage())
      case '--help': case '-h': return show(surroundings, topic())
      case 'help': return show(surroundings, topic(rest[0]))
      default: return await call(name, rest, surroundings)
    }
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    const more = name !== undefined && COMMANDS.has(name) ? `help ${name}` : '--help'
    surroundings.stderr.write(`fastify-endpoint: ${visible(thrown.message)}\nTry: fastify-endpoint ${more}\n`)
    return 2
  }
}

async function call (name: string, args: readonly string[], surroundings: Surroundings): Promise<ExitStatus> {
  const load = COMMANDS.get(name)
  if (load === undefined) throw new UsageError(unknownCommand(name))
  const command = await load()
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) return show(surroundings, topic(name))
  return await command.run({ ...surroundings, values, positionals })
}

function parse ({ options }: Command, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (thrown) {
    throw new UsageError(unknownOption(thrown, Object.keys(options)) ?? reasonOf(thrown))
  }
}

/** A better message for an unknown option. Node's explains how to write a file name that begins with a hyphen. */
function unknownOption (thrown: unknown, known: readonly string[]): string | undefined {
  if ((thrown as NodeJS.ErrnoException).code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return undefined
  const [, written = '', name = ''] = /'(-+([^']*))'/.exec(reasonOf(thrown)) ?? []
  const meant = nearest(name, known)
  return `unknown option ${written}${meant === undefined ? '' : `: did you mean --${meant}?`}`
}

function topic (name?: string): string {
  const text = helpFor(name)
  if (text === undefined) throw new UsageError(unknownCommand(name ?? ''))
  return text
}

function unknownCommand (name: string): string {
  const meant = nearest(name, COMMANDS.keys())
  return `unknown command ${name}: ` +
    `${meant === undefined ? `the commands are ${[...COMMANDS.keys()].join(', ')}` : `did you mean ${meant}?`}`
}

function show (surroundings: Surroundings, text: string): 0 {
  print(surroundings, text)
  return 0
}

function versionOfPackage (): string {
  const { version } = createRequire(import.meta.url)('fastify-endpoint/package.json') as { version: string }
  return version
}
