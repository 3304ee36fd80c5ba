/** What this process asks the disk for, counted by path while it is answered as always. */
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
  /** What was looked at. */
  readonly looks = new Counts()
  /** Folders whose events were asked for. */
  readonly watches = new Counts()

  /** Until the test ends. */
  static count (t: Test): DiskCalls {
    const calls = new DiskCalls()
    const counted = <F extends (...args: any[]) => unknown>(call: F, counts: Counts): F => ((...args: unknown[]) => {
      counts.add(String(args[0]))
      return call(...args)
    }) as F
    t.intercept(promises, 'open', { value: counted(promises.open, calls.reads) })
    t.intercept(promises, 'readdir', { value: counted(promises.readdir as (...args: any[]) => unknown, calls.reads) as typeof promises.readdir })
    t.intercept(fs, 'stat', { value: counted(fs.stat as (...args: any[]) => unknown, calls.looks) as typeof fs.stat })
    t.intercept(fs, 'watch', { value: counted(fs.watch, calls.watches) as typeof fs.watch })
    syncBuiltinESMExports()
    t.teardown(syncBuiltinESMExports)
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

  /** Waits until a path was counted as often as that. */
  async reach (path: string, count: number): Promise<void> {
    // What is counted may keep no process alive, so this does.
    const timer = setInterval(() => {}, 1000)
    while (this.of(path) < count) await new Promise<void>((resolve) => { this.#onCount = resolve })
    clearInterval(timer)
  }
}

/** Waits until nobody who looks at the paths can take them for just changed. */
export async function untilAtRest (...paths: string[]): Promise<void> {
  for (const path of paths) {
    await until(`${path} is at rest`, async () => {
      const seen = await look(path)
      return !('racy' in seen && seen.racy)
    })
  }
}
