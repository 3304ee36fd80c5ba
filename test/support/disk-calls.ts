/** Counts the disk calls of this process by path, and changes none of them. */
import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'
import type { Test } from 'tap'
import { look } from '../../lib/watching/observation.js'
import { until } from './until.js'

export class DiskCalls {
  /** Files that were opened, and folders that were read. */
  readonly reads = new Counts()
  /** Paths whose stat was read. */
  readonly looks = new Counts()
  /** Folders that are watched. */
  readonly watches = new Counts()

  /** Counts until the test ends. */
  static count (t: Test): DiskCalls {
    const calls = new DiskCalls()
    const counted = <F extends (...args: any[]) => unknown>(call: F, counts: Counts): F => ((...args: unknown[]) => {
      counts.add(String(args[0]))
      return call(...args)
    }) as F
    // Teardown runs in reverse: this comes after the intercepts have ended.
    t.teardown(syncBuiltinESMExports)
    t.intercept(promises, 'open', { value: counted(promises.open, calls.reads) })
    t.intercept(promises, 'readdir', { value: counted(promises.readdir as (...args: any[]) => unknown, calls.reads) as typeof promises.readdir })
    t.intercept(fs, 'stat', { value: counted(fs.stat as (...args: any[]) => unknown, calls.looks) as typeof fs.stat })
    t.intercept(fs, 'watch', { value: counted(fs.watch, calls.watches) as typeof fs.watch })
    syncBuiltinESMExports()
    return calls
  }

  forget (): void {
    for (const counts of [this.reads, this.looks, this.watches]) counts.forget()
  }
}

class Counts {
  readonly #counts = new Map<string, number>()
  #onCount = (): void => {}

  add (path: string): void {
    this.#counts.set(resolve(path), this.of(path) + 1)
    this.#onCount()
  }

  of (path: string): number {
    return this.#counts.get(resolve(path)) ?? 0
  }

  forget (): void {
    this.#counts.clear()
  }

  /** Waits until a path was counted so many times. */
  async reach (path: string, count: number): Promise<void> {
    // The code under test keeps no process alive.
    const timer = setInterval(() => {}, 1000)
    while (this.of(path) < count) await new Promise<void>((resolve) => { this.#onCount = resolve })
    clearInterval(timer)
  }
}

/** Until the test ends, lets each realpath of a file of this name wait, as a slow disk would. */
export function delayRealpath (t: Test, name: string, wait: () => Promise<unknown>): void {
  const { realpath } = promises
  // As above.
  t.teardown(syncBuiltinESMExports)
  t.intercept(promises, 'realpath', {
    value: (async (path: string) => {
      if (path.endsWith(name)) await wait()
      return await realpath(path)
    }) as typeof realpath
  })
  syncBuiltinESMExports()
}

/** Waits until the last change of the paths is too old to be racy. */
export async function untilAtRest (...paths: string[]): Promise<void> {
  for (const path of paths) {
    await until(`${path} is at rest`, async () => {
      const seen = await look(path)
      return !('racy' in seen && seen.racy)
    })
  }
}
