/**
 * Whether what no scan finds is gone. Where a folder has become something else, or a link that leads nowhere, what
 * was in it is out of reach: a volume that is not mounted, say.
 */
import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemReason } from '../files.js'

/** What is known of folders by now. */
export type Absences = Map<string, Promise<string | undefined>>

/** Why a file of a folder that no scan finds may be there all the same; undefined if it is gone. */
export function whyHidden (folder: string, known: Absences): Promise<string | undefined> {
  const before = known.get(folder)
  if (before !== undefined) return before
  const reason = look(folder, known)
  known.set(folder, reason)
  return reason
}

async function look (folder: string, known: Absences): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : 'its folder is something else now'
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException
    if (error.code !== 'ENOENT') return systemReason(error)
    const isLink = await lstat(folder).then(() => true, () => false)
    // A folder that was removed with all that is in it.
    return isLink ? 'its folder is a symbolic link that leads nowhere' : await whyHidden(dirname(folder), known)
  }
}
