/** A PostgreSQL server of the test's own, on a unix socket, ended by its pid. It refuses to run as root. */
import { chmod, chown, mkdir } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Child } from './children.js'
import { run } from './programs.js'
import { makeShortFolder } from './unix-sockets.js'

const LIBRARIES = '/usr/lib/postgresql'
/** The user that runs PostgreSQL if the test is root; Debian's package creates it. */
const USER = 'postgres'

export interface RunningPostgres {
  /** Its address, as in a line of a list. */
  readonly address: string
  readonly child: Child
  /** Starts it again after it has ended. */
  start (): Promise<Child>
}

/** Where Debian puts the programs of the newest version that is there. */
export function postgresPrograms (): string {
  const [newest = ''] = readdirSync(LIBRARIES).sort((a, b) => Number(b) - Number(a))
  return join(LIBRARIES, newest, 'bin')
}

export async function startPostgres (t: Test): Promise<RunningPostgres> {
  const folder = makeShortFolder(t)
  const isRoot = process.getuid?.() === 0
  const as = isRoot ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'] : []
  await chmod(folder, 0o755)
  const home = join(folder, 'pg')
  await mkdir(home)
  if (isRoot) {
    const { stdout } = await run('id', ['-u', USER])
    await chown(home, Number(stdout), 0)
  }
  const command = (name: string, ...args: string[]): [string, string[]] => {
    const [first = '', ...rest] = [...as, join(postgresPrograms(), name), ...args]
    return [first, rest]
  }
  const made = await run(...command('initdb', '-D', join(home, 'data'), '-U', 'gate', '-A', 'trust', '--no-sync', '--no-instructions', '-E', 'UTF8', '--locale=C'))
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const start = async (): Promise<Child> => {
    const child = new Child(t, ...command('postgres', '-D', join(home, 'data'), '-k', home, '-c', 'listen_addresses=', '-c', 'fsync=off'))
    await child.prints(/ready to accept connections/)
    return child
  }
  return { address: `postgresql:///postgres?host=${encodeURIComponent(home)}&user=gate`, child: await start(), start }
}
