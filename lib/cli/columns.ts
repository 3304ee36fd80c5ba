/**
 * The columns of a text on a terminal: two for East Asian letters and emoji, none for combining marks. Node.js has such a
 * function, but does not export it.
 */

/** Blocks of mostly wide characters, from Unicode Standard Annex 11. Rare characters may be a column off. */
const WIDE = /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const NONE = /\p{Mn}|\p{Me}/u

/** @param character one code point, already safe to print */
export function columnsOf (character: string): number {
  return NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}
