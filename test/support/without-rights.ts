/**
 * Real refusals by the operating system. Root may read everything, so a test that runs as root becomes another user for a
 * while. (On Linux all threads of a process change together.)
 */
import { chmodSync } from 'node:fs'

const NOBODY = 65534

/** Calls `act` as a user without rights, then becomes the old user again. */
export async function withoutRights<T> (act: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.() ?? NOBODY
  if (user === 0) process.seteuid?.(NOBODY)
  try {
    return await act()
  } finally {
    if (user === 0) process.seteuid?.(user)
  }
}

/** Calls `act` as a user who may not look into some folders. */
export async function withoutRightsOn<T> (folders: readonly string[], act: () => Promise<T>): Promise<T> {
  for (const folder of folders) chmodSync(folder, 0)
  try {
    return await withoutRights(act)
  } finally {
    for (const folder of folders) chmodSync(folder, 0o755)
  }
}
