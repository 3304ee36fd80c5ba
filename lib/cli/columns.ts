/**
 * How many columns of a terminal a text takes: letters of East Asian scripts and pictures take two, marks that are set on
 * the letter before them take none. Node can count them, and tells nobody.
 */

/** Unicode Standard Annex 11, the blocks of which nearly all is wide; what is seldom seen in paths may be a column off. */
const WIDE = /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const NONE = /\p{Mn}|\p{Me}/u

/** @param character one code point, fit for a terminal already */
export function columnsOf (character: string): number {
  return NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
}
