/**
 * Loads the package glob with the first pattern that needs it: that takes as long as all the rest of a list with one file.
 */
import type * as Glob from 'glob'
import { descriptors } from '../../descriptors.js'

/** Descriptors that Node needs to find and read the files of a package. */
const DESCRIPTORS = 8

let loaded: typeof Glob | undefined

/** @throws if the package cannot be read */
export async function loadGlob (): Promise<typeof Glob> {
  loaded ??= await load()
  return loaded
}

async function load (): Promise<typeof Glob> {
  const endLoan = descriptors.areScarce(DESCRIPTORS) ? descriptors.lendSome() : undefined
  try {
    // Node 20 never tries again what it could not open. So nothing is tried that must fail.
    if (endLoan !== undefined && descriptors.areScarce(DESCRIPTORS)) throw new Error('too many files are open to load glob (EMFILE)')
    return await import('glob')
  } finally {
    endLoan?.()
  }
}
