/**
 * The command line: `fastify-endpoint check` reads an endpoint string and everything that it names,
 * as an app would at its start, and opens nothing.
 */
import { parseArgs } from 'node:util'
import { parseEndpoint } from '../description/index.js'
import type { ErrorLocation } from '../errors.js'
import { Listener } from '../listener.js'
import type { EndpointLog } from '../../types/plugin.js'

const HELP = `Examples
  fastify-endpoint check 'tcp:3000:interface=127.0.0.1'
  ENDPOINT='tls:8443:privateKey=server.key:certKey=server.pem' fastify-endpoint check

Usage
  fastify-endpoint check [STRING ...]
      Reads the strings, or those of the environment variable ENDPOINT (one a line), and every file
      that they name, and says what is wrong. No port is opened.

  --help   this text

Exit status: 0 all is well, 1 something is wrong, 2 the command line is.
`

/**
 * Runs the command line.
 * @param args without the program's own name
 * @param env the environment
 * @param print takes one line of output
 * @returns the exit status
 */
export async function main (args: readonly string[], env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<0 | 1 | 2> {
  const parsed = parse(args)
  if (typeof parsed === 'string') {
    print(`${parsed}\n\n${HELP}`)
    return 2
  }
  if (parsed.values.help === true) {
    print(HELP)
    return 0
  }
  const [command, ...given] = parsed.positionals
  const strings = given.length > 0 ? given : (env['ENDPOINT'] ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  if (command !== 'check' || strings.length === 0) {
    print(`${command === 'check' ? 'There is no string to check, and ENDPOINT is not set.' : `There is no command ${command ?? ''}.`}\n\n${HELP}`)
    return 2
  }
  let status: 0 | 1 = 0
  for (const text of strings) if (!await check(text, print)) status = 1
  return status
}

function parse (args: readonly string[]): ReturnType<typeof parseOptions> | string {
  try {
    return parseOptions(args)
  } catch (error) {
    return (error as Error).message
  }
}

function parseOptions (args: readonly string[]) {
  return parseArgs({ args: [...args], allowPositionals: true, options: { help: { type: 'boolean' } } })
}

async function check (text: string, print: (line: string) => void): Promise<boolean> {
  print(text)
  const say = (_details: object, message: string): void => print(`  warning: ${message}`)
  const log: EndpointLog = { debug () {}, info () {}, warn: say, error: say }
  try {
    const endpoint = parseEndpoint(text)
    const listener = await Listener.prepare(endpoint, { log })
    const revoked = listener.revocations?.set.size
    listener.dispose()
    print(`  good${revoked === undefined ? '' : `: ${revoked} revoked`}`)
    return true
  } catch (error) {
    const { code, message, index, endpoint } = error as Error & ErrorLocation & { code?: string }
    if (index !== undefined && endpoint === text) print(`${' '.repeat(index)}^`)
    print(`  ${code ?? 'error'}: ${message}`)
    return false
  }
}
