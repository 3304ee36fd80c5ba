/** The words before the colon of a line that names a source: ours, and those of an app. */

const BUILT_IN_WORDS = ['https', 'http', 'redis', 'rediss', 'redis-sentinel', 'rediss-sentinel', 'redis-cluster', 'rediss-cluster'] as const

export type BuiltInWord = typeof BUILT_IN_WORDS[number]

/** Words that apps cannot use: lines with them have another meaning. */
const RESERVED = new Set<string>(['tbs', 'serial', 'spki', 'cdp', 'file', ...BUILT_IN_WORDS])

/** What is wrong with a word for a kind of source of an app's own; undefined if nothing is. */
export function problemOfWord (word: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*$/.test(word)) return 'a word as the scheme of a URL: lower case letters, digits, + - and .'
  return RESERVED.has(word) ? 'another word, since this one means something else in a list' : undefined
}
