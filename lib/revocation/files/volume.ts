/**
 * Volumes of Kubernetes. Each file is a link through `..data`, itself a link to the folder that holds all files of one
 * version. So all files are swapped in one step, and a file that is missing afterwards was removed on purpose.
 */
import { readlinkSync } from 'node:fs'
import { readlink, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'

export interface Volume {
  /** Where the volume is mounted. */
  readonly folder: string
  /** What `..data` leads to. */
  readonly target: string
}

/** Levels above a file at which its volume may be mounted, since a volume may hold folders. */
const LEVELS = 3

/** The volume of a folder; undefined if there is none. */
export async function volumeOf (folder: string): Promise<Volume | undefined> {
  for (const mounted of foldersAbove(folder)) {
    const target = await readlink(join(mounted, '..data')).catch(() => undefined)
    if (target !== undefined) return { folder: mounted, target }
  }
  return undefined
}

/** The same, for a thread that may block. */
export function volumeOfSync (folder: string): Volume | undefined {
  for (const mounted of foldersAbove(folder)) {
    try {
      return { folder: mounted, target: readlinkSync(join(mounted, '..data')) }
    } catch {
      // It is not mounted here.
    }
  }
  return undefined
}

/** Whether a file is reached through the link of a volume; a file that is only in the same folder is not. */
export async function isReachedThrough (path: string, { folder }: Volume): Promise<boolean> {
  const [file, all] = await Promise.all([path, join(folder, '..data')].map((one) => realpath(one).catch(() => undefined)))
  return file !== undefined && all !== undefined && file.startsWith(`${all}${sep}`)
}

/** The volume through which a file is reached; undefined if there is none. */
export async function volumeThrough (path: string): Promise<Volume | undefined> {
  const volume = await volumeOf(dirname(path))
  return volume !== undefined && await isReachedThrough(path, volume) ? volume : undefined
}

/** Whether a volume was swapped between two looks at a file. */
export function isSwapped (before: Volume | undefined, now: Volume | undefined): boolean {
  return before !== undefined && now !== undefined && before.folder === now.folder && before.target !== now.target
}

function foldersAbove (folder: string): string[] {
  const folders: string[] = []
  for (let above = folder; folders.length < LEVELS && !folders.includes(above); above = dirname(above)) folders.push(above)
  return folders
}
