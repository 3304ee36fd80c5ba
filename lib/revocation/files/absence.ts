/**
 * Whether what no scan finds is gone. Where a folder has become something else, a link that leads nowhere, or an empty
 * folder of another device, what was in it is out of reach: a volume that is not mounted, say.
 */
import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemReason } from '../../files.js'
import { quotePath } from '../../text/printable.js'

/** What is known of folders by now. */
export type Absences = Map<string, Promise<Nearest>>

/** What is left of a folder: itself, or the first one above it that is there. */
interface Nearest {
  readonly folder: string
  readonly device?: bigint
  /** Why what was in the folder may be there all the same. */
  readonly reason?: string
}

interface Hidden {
  /** Of the device that the folder was on when the file was read. */
  readonly device: bigint | undefined
  /** Whether files that the list names are in a folder, or below it. */
  readonly isInUse: (folder: string) => Promise<boolean>
}

/** Why a file of a folder that no scan finds may be there all the same; undefined if it is gone. */
export async function whyHidden (folder: string, known: Absences, { device, isInUse }: Hidden): Promise<string | undefined> {
  const nearest = await nearestTo(folder, known)
  if (nearest.reason !== undefined || device === undefined || nearest.device === device) return nearest.reason
  // Another volume in its place, or the same one mounted again: what is not there was taken out of it.
  if (nearest.folder === folder && await isInUse(folder)) return undefined
  const left = nearest.folder === folder
    ? 'its folder is on another device than before, and holds no file of the list'
    : `its folder is gone, which was on another device than ${quotePath(nearest.folder)}`
  return `${left}. Mount its volume again, or take the line out of the list: a restart would forget what it revoked`
}

function nearestTo (folder: string, known: Absences): Promise<Nearest> {
  const before = known.get(folder)
  if (before !== undefined) return before
  const nearest = look(folder, known)
  known.set(folder, nearest)
  return nearest
}

async function look (folder: string, known: Absences): Promise<Nearest> {
  try {
    const stats = await stat(folder, { bigint: true })
    return stats.isDirectory() ? { folder, device: stats.dev } : { folder, reason: 'its folder is something else now' }
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException
    if (error.code !== 'ENOENT') return { folder, reason: systemReason(error) }
    const isLink = await lstat(folder).then(() => true, () => false)
    // A folder that was removed with all that is in it.
    return isLink ? { folder, reason: 'its folder is a symbolic link that leads nowhere' } : await nearestTo(dirname(folder), known)
  }
}
