/**
 * Tells whether a file that no scan finds was removed, or is only out of reach. It is out of reach if its folder has
 * become something else, a dangling link, or an empty folder on another device: a volume is not mounted, for example.
 */
import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemReason } from '../../files.js'
import { quotePath } from '../../text/printable.js'

/** What was found out about folders so far. */
export type Absences = Map<string, Promise<Nearest>>

/** A folder, or the first one above it that exists. */
interface Nearest {
  readonly folder: string
  readonly device?: bigint
  /** Why the content of the folder may still exist. */
  readonly reason?: string
}

interface Hidden {
  /** The device of the folder when the file was read. */
  readonly device: bigint | undefined
  /** Whether files of the list are in a folder, or below it. */
  readonly isInUse: (folder: string) => Promise<boolean>
}

/** Why a file of a folder may still exist though no scan finds it; undefined if it was removed. */
export async function whyHidden (folder: string, absences: Absences, { device, isInUse }: Hidden): Promise<string | undefined> {
  const nearest = await nearestTo(folder, absences)
  if (nearest.reason !== undefined || device === undefined || nearest.device === device) return nearest.reason
  // Another volume is in its place, or the same one is mounted again: the file was removed from it.
  if (nearest.folder === folder && await isInUse(folder)) return undefined
  const problem = nearest.folder === folder
    ? 'its folder is on another device than before, and holds no file of the list'
    : `its folder is gone, and was on another device than ${quotePath(nearest.folder)}`
  return `${problem}. Mount its volume again, or remove the line from the list: a restart would forget what it revoked`
}

function nearestTo (folder: string, absences: Absences): Promise<Nearest> {
  const nearest = absences.get(folder) ?? look(folder, absences)
  absences.set(folder, nearest)
  return nearest
}

async function look (folder: string, absences: Absences): Promise<Nearest> {
  try {
    const stats = await stat(folder, { bigint: true })
    return stats.isDirectory() ? { folder, device: stats.dev } : { folder, reason: 'its folder is no longer a folder' }
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException
    if (error.code !== 'ENOENT') return { folder, reason: systemReason(error) }
    const isLink = await lstat(folder).then(() => true, () => false)
    // If it is not a link, the folder was removed with its content.
    return isLink ? { folder, reason: 'its folder is a symbolic link that leads nowhere' } : await nearestTo(dirname(folder), absences)
  }
}
