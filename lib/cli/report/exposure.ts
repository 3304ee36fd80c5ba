/** Finds secret files that others can read, and trusted files that others can change. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quotePath } from '../../text/printable.js'
import type { Findings } from './findings.js'

const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/** Warns of a file with a private key or a passphrase that every user of the machine can read. */
export async function reviewSecret (argument: string, file: string, findings: Findings): Promise<void> {
  const mode = await modeOf(file)
  if ((mode & OTHERS_READ) !== 0) {
    findings.warn(
      'exposed',
      `every user of this machine can read ${quotePath(file)} (mode ${octal(mode)}): chmod 600, or 640 with the group of the app`,
      { argument, file }
    )
  }
}

/** Warns of a file that every user of the machine can change or replace. */
export async function reviewTrusted (argument: string, file: string, findings: Findings): Promise<void> {
  const folder = dirname(file)
  const mode = await modeOf(file)
  const folderMode = await modeOf(folder)
  if ((mode & OTHERS_WRITE) !== 0) {
    findings.warn(
      'exposed',
      `every user of this machine can change ${quotePath(file)} (mode ${octal(mode)}), and so decide which clients are admitted: chmod o-w`,
      { argument, file }
    )
  }
  if ((folderMode & OTHERS_WRITE) !== 0 && (folderMode & STICKY) === 0) {
    findings.warn(
      'exposed',
      `every user of this machine can replace the files in ${quotePath(folder)} (mode ${octal(folderMode)}), ` +
        'and so decide which clients are admitted: chmod o-w',
      { argument, file }
    )
  }
}

/** The code that loads a file reports that it is unreadable. */
async function modeOf (path: string): Promise<number> {
  return await stat(path).then(({ mode }) => mode & 0o7777, () => 0)
}

function octal (mode: number): string {
  return mode.toString(8)
}
