import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other', issuer: root })
const alice = await root.issue({ name: 'alice', serial: '7b' })
const { serial } = identifyCertificate(alice.der)
const NAME = serial.slice(serial.indexOf('@') + 1)
const hashOf = (bytes: Uint8Array): string => `sha256//${createHash('sha256').update(bytes).digest('base64')}`
const DECIMAL = '91343852333181432387730302044767688728'

async function warningsOf (t: Test, ...lines: string[]): Promise<readonly string[]> {
  const reloading = new Reloading(makeTestFolder(t, {}))
  writeFileSync(reloading.list, `# a comment\n${lines.join('\n')}\n`)
  reloading.authorities = new Authorities([root.x509, other.x509])
  t.same(await reloading.load(), [])
  return reloading.loaded?.warnings ?? []
}

const spki = root.x509.publicKey.export({ type: 'spki', format: 'der' })
for (const [what, hash, says] of [
  ['certificate', hashOf(root.der), 'certificate'],
  ['certificate without its signature', identifyCertificate(root.der).tbs, 'certificate'],
  ['key', hashOf(spki), 'key'],
  ['key alone', hashOf(spki.subarray(-65)), 'key']
] as const) {
  t.test(`the hash of an authority's ${what} instead of its name causes a warning with the authority and what to write`, async (t) => {
    const [warning, ...others] = await warningsOf(t, `serial:7b@${hash}`)
    t.same(others, [])
    t.match(warning, /line 2 revokes nobody: it has the hash of the /)
    t.ok(warning?.endsWith(`the hash of the ${says} of CN=Root instead of the hash of its name. Write @${NAME}`), warning ?? 'none')
  })
}

t.test('a decimal number instead of a hexadecimal one causes a warning', async (t) => {
  const [warning] = await warningsOf(t, `serial:${DECIMAL}@${NAME}`)
  t.match(warning, new RegExp(`line 2 seems to revoke nobody of CN=Root: its serial number looks decimal. Write it in hexadecimal: ${BigInt(DECIMAL).toString(16)}`))
  const [stranger] = await warningsOf(t, `serial:${DECIMAL}@${hashOf(Buffer.of(1))}`)
  t.match(stranger, /seems to revoke nobody: /)
})

t.test('a correct line, a short number and an issuer outside the authorities cause no warning', async (t) => {
  t.same(await warningsOf(t, `serial:7b@${NAME}`, `serial:1234567@${NAME}`, `serial:7b@${hashOf(Buffer.of(1))}`, `tbs:${hashOf(Buffer.of(2))}`), [])
})

t.test('many such lines are counted', async (t) => {
  const warnings = await warningsOf(t, ...Array.from({ length: 25 }, (_, index) => `serial:${index}@${hashOf(root.der)}`))
  t.equal(warnings.length, 21)
  t.match(warnings.at(-1), /has 5 more lines with serial: that seem to revoke nobody/)
})
