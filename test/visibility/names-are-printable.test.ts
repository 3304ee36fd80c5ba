import t from 'tap'
import { printableName } from '../../lib/text/printable.js'
import { createAuthority } from '../support/pki.js'

for (const [title, character, escaped] of [
  ['a C1 control (CSI)', '\u009b', '<U+009B>'],
  ['an escape', '\u001b', '1B'],
  ['a right-to-left override', '\u202e', '<U+202E>'],
  ['a line feed', '\n', '0A'],
  ['a line separator', '\u2028', '<U+2028>'],
  ['a Hangul filler', '\u3164', '<U+3164>'],
  ['a Braille blank', '\u2800', '<U+2800>']
] as const) {
  t.test(`${title} in a name is made visible`, async (t) => {
    const ca = await createAuthority({ name: 'Test CA' })
    const leaf = await ca.issue({ name: `evil${character}[31mname`, usage: 'client' })
    const printed = printableName(leaf.x509.subject)
    t.notOk(/[\p{Cc}\p{Cf}\p{Zl}]/u.test(printed), printed)
    t.ok(printed.includes(escaped), printed)
  })
}

t.test('the parts of a name are on one line', async (t) => {
  const ca = await createAuthority({ name: 'C=DE, O=Acme, CN=x' })
  t.equal(printableName(ca.x509.subject), '"C=DE, O=Acme, CN=x"')
})
