/**
 * The volumes of Kubernetes. All files of one are swapped in one step: each is a link through `..data`, which is a
 * link itself, to the folder that holds them as they are together. So what is not there after a swap was taken out
 * on purpose, and is not on its way.
 */
import { readlinkSync } from 'node:fs'
import { readlink, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'

export interface Volume {
  /** Where it is mounted. */
  readonly folder: string
  /** What `..data` leads to. */
  readonly target: string
}

/** How far above a file its volume may be mounted: a volume may hold folders. */
const LEVELS = 3

/** The volume that a folder is in; undefined if it is in none. */
export async function volumeOf (folder: string): Promise<Volume | undefined> {
  for (const mounted of foldersAbove(folder)) {
    const target = await readlink(join(mounted, '..data')).catch(() => undefined)
    if (target !== undefined) return { folder: mounted, target }
  }
  return undefined
}

/** The same, for a thread that may wait. */
export function volumeOfSync (folder: string): Volume | undefined {
  for (const mounted of foldersAbove(folder)) {
    try {
      return { folder: mounted, target: readlinkSync(join(mounted, '..data')) }
    } catch {
      // There is none.
    }
  }
  return undefined
}

/** Whether a file is reached through the link of a volume, and does not only lie beside it. */
export async function isReachedThrough (path: string, { folder }: Volume): Promise<boolean> {
  const [file, all] = await Promise.all([path, join(folder, '..data')].map((one) => realpath(one).catch(() => undefined)))
  return file !== undefined && all !== undefined && file.startsWith(`${all}${sep}`)
}

/** The volume that a file is reached through; undefined if it is in none. */
export async function volumeThrough (path: string): Promise<Volume | undefined> {
  const volume = await volumeOf(dirname(path))
  return volume !== undefined && await isReachedThrough(path, volume) ? volume : undefined
}

/** Whether a volume was swapped between two looks at it. */
export function isSwapped (before: Volume | undefined, now: Volume | undefined): boolean {
  return before !== undefined && now !== undefined && before.folder === now.folder && before.target !== now.target
}

function foldersAbove (folder: string): string[] {
  const folders: string[] = []
  for (let above = folder; folders.length < LEVELS && !folders.includes(above); above = dirname(above)) folders.push(above)
  return folders
}
