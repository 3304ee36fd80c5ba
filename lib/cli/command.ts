/** The input of every command, and the error for a wrong command line. */
import { readFile } from 'node:fs/promises'
import { parseEnv, type ParseArgsConfig } from 'node:util'
import { stringsOf } from '../description/list.js'
import { reasonOf } from '../errors.js'
import { isSystemError, systemReason } from '../files.js'
import { Style, type Output } from './style.js'
import { quotePath } from '../text/printable.js'

/** 0: success; 1: failure; 2: wrong command line. */
export type ExitStatus = 0 | 1 | 2

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly stdout: Output
  readonly stderr: Output
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
}

type Values = Readonly<Record<string, string | boolean | Array<string | boolean> | undefined>>

/** A parsed command line. */
export interface Call extends Surroundings {
  readonly values: Values
  readonly positionals: readonly string[]
}

export interface Command {
  readonly options: NonNullable<ParseArgsConfig['options']>
  run (call: Call): Promise<ExitStatus>
}

/** The command line is wrong. The message says what to write instead. */
export class UsageError extends Error {}

/** Options of all commands. */
export const COMMON = {
  help: { type: 'boolean', short: 'h' },
  color: { type: 'boolean' },
  'no-color': { type: 'boolean' }
} as const

/** Options of the commands that take an endpoint from the environment. */
export const ENVIRONMENT = {
  env: { type: 'string' },
  dotenv: { type: 'string' }
} as const

/** The value of an option that has a value. */
export function valueOf ({ values }: Call, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** @param output standard output by default */
export function styleOf ({ stdout, env, values }: Call, output = stdout): Style {
  return new Style(output, { env, colour: values['no-color'] === true ? false : values['color'] === true ? true : undefined })
}

export function print ({ stdout }: Surroundings, line: string): void {
  stdout.write(`${line}\n`)
}

/**
 * The strings of the environment variable, one a line or a JSON array, as the plugin reads them. If the variable is not
 * set, it is read from a `.env` file.
 */
export async function stringsOfEnvironment (call: Call): Promise<string[]> {
  const name = valueOf(call, 'env') ?? 'ENDPOINT'
  const file = valueOf(call, 'dotenv')
  const value = call.env[name] ?? (file === undefined ? undefined : (await readDotenv(file))[name])
  try {
    return stringsOf(value, name)
  } catch (thrown) {
    throw new UsageError(reasonOf(thrown))
  }
}

async function readDotenv (file: string): Promise<NodeJS.Dict<string>> {
  try {
    return parseEnv(await readFile(file, 'utf8'))
  } catch (thrown) {
    if (!isSystemError(thrown)) throw thrown
    throw new UsageError(`--dotenv ${quotePath(file)} cannot be read: ${systemReason(thrown)}`)
  }
}
