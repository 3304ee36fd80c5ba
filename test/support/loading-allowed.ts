/** A folder with an allowed list, and loads of it one after another, by a clock that the test sets. */
import { join } from 'node:path'
import type { Renames } from '../../lib/allowed/renames.js'
import { loadAllowed, type AllowedOptions, type LoadedAllowed } from '../../lib/allowed/load.js'

export class LoadingAllowed {
  readonly list: string
  loaded: LoadedAllowed | undefined
  /** The clock in milliseconds. */
  time = 0
  /** The events of the list, if the test wants them. */
  renames: Renames | undefined

  constructor (folder: string, file = 'allowed.txt') {
    this.list = join(folder, file)
  }

  /** Starts with a list that has rested; the file may have been written just now. */
  async start (): Promise<void> {
    this.loaded = await loadAllowed({ ...this.#options, now: () => Date.now() + 60_000 }, undefined)
  }

  /** Loads once, so many milliseconds later, and gives the rules in force and the codes of the problems. */
  async pass (milliseconds = 0): Promise<string[]> {
    this.time += milliseconds
    this.loaded = await loadAllowed(this.#options, this.loaded)
    return this.inForce
  }

  get inForce (): string[] {
    const { set, problems = [] } = this.loaded ?? {}
    return [...set?.rules.map(({ value }) => value) ?? [], ...problems.map((problem) => (problem as Error & { code: string }).code)]
  }

  get #options (): AllowedOptions {
    return { file: this.list, clock: () => this.time, ...(this.renames !== undefined && { renames: this.renames }) }
  }
}
