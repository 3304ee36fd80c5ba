/** Untrusted names, paths and texts are printed in many ways, and all of them escape the same class of characters. */
import t from 'tap'
import { Style } from '../../lib/cli/style.js'
import { bounded, fileLabel } from '../../lib/metrics/labels.js'
import { excerpt, printable, printableJson, printableName, quotePath, visible } from '../../lib/text/printable.js'
import { titleOf } from '../../lib/x509/title.js'

function charactersBetween (first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index))
}

function charactersThat (pattern: RegExp): string[] {
  return charactersBetween(0, 0x10ffff).filter((character) => pattern.test(character))
}

/** By what they are to Unicode. */
const UNSEEN: Record<string, string[]> = {
  'C0 controls': charactersBetween(0x0000, 0x001f),
  'DEL and C1 controls': charactersBetween(0x007f, 0x009f),
  'the soft hyphen': ['\u00ad'],
  'the Arabic letter mark': ['\u061c'],
  'zero width characters and marks of direction': charactersBetween(0x200b, 0x200f),
  'separators, embeddings and overrides': charactersBetween(0x2028, 0x202e),
  'invisible operators': charactersBetween(0x2060, 0x2064),
  isolates: charactersBetween(0x2066, 0x2069),
  'deprecated format characters': charactersBetween(0x206a, 0x206f),
  'the byte order mark': ['\ufeff'],
  'interlinear annotations': charactersBetween(0xfff9, 0xfffb),
  tags: ['\u{e0001}', ...charactersBetween(0xe0020, 0xe007f)],
  'lone surrogates': ['\ud800', '\udbff', '\udc00', '\udfff'],
  'fillers of Hangul': ['\u115f', '\u1160', '\u3164', '\uffa0'],
  'letters that are drawn as nothing': charactersThat(/\p{Default_Ignorable_Code_Point}/u),
  'spaces other than U+0020': charactersThat(/(?! )\p{Zs}/u),
  noncharacters: charactersThat(/\p{Noncharacter_Code_Point}/u),
  blanks: ['\u2800', '\ufffc', '\u{1107f}', '\u{13441}', '\u{13442}', '\u{16fe4}', '\u{1d159}']
}

const style = new Style({ write () {} }, { env: {} })

const PRINTERS: Record<string, (text: string) => string> = {
  visible,
  printable,
  excerpt: (text) => excerpt(text, 0),
  printableName,
  quotePath,
  printableJson,
  titleOf: (text) => titleOf({ subject: text } as never),
  'a label': bounded,
  'a label of a file': fileLabel,
  'a line of the command line': (text) => style.render({ colour: 'bold', text })
}

for (const [name, print] of Object.entries(PRINTERS)) {
  t.test(`${name} shows no control characters`, async (t) => {
    for (const [kind, characters] of Object.entries(UNSEEN)) {
      t.same(characters.filter((character) => print(`a${character}b`).includes(character)), [], kind)
    }
  })
}

t.test('JSON and paths keep their exact text', async (t) => {
  const text = Object.values(UNSEEN).flat().join('a')
  t.equal(JSON.parse(quotePath(text)), text)
  t.same(JSON.parse(printableJson({ text: [text] })), { text: [text] })
  t.equal(printableJson({ a: [1] }), JSON.stringify({ a: [1] }, undefined, 2), 'its own lines stay')
})

t.test('visible characters are shown unchanged', async (t) => {
  const text = 'Größe, 名前, 👩🏽, عربي'
  t.equal(visible(text), text)
  t.equal(quotePath(text), JSON.stringify(text))
})
