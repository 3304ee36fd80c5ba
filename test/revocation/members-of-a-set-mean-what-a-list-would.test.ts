import t from 'tap'
import { crlsOf, Members } from '../../lib/revocation/sources/redis/members.js'
import { textOf } from '../../lib/revocation/set/key-table.js'
import { makeCrl } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const HASH = `sha256//${Buffer.alloc(32, 5).toString('base64')}`
const LIMIT = 1000

async function of (...members: string[]): Promise<Members> {
  const edit = Members.none.edit(LIMIT)
  for (const member of members) await edit.add(member)
  return await edit.finish()
}

function keysOf (members: Members): string[] {
  return members.content('the set').tables.flatMap((table) => [...table]).sort()
}

t.test('lines of every kind are keys, if they are written as a list writes them', async (t) => {
  const lines = [`serial:4a@${HASH}`, `spki:${HASH}`, `tbs:${HASH}`]
  const members = await of(...lines)
  t.same(keysOf(members), lines)
  t.ok(members.areKeys)
  const edit = members.edit(LIMIT)
  t.ok(edit.delete(lines[0] as string))
  t.notOk(edit.delete(lines[0] as string), 'it is gone')
  t.notOk(edit.delete('serial:x'), 'it was never there')
  t.same(keysOf(await edit.finish()), lines.slice(1))
})

t.test('another spelling of a key is the same key, and stays a member of its own', async (t) => {
  const members = await of(`serial:004A@${HASH}`, `serial:4a@${HASH}`)
  t.equal(members.size, 2)
  t.same([...new Set(keysOf(members))], [`serial:4a@${HASH}`])
  t.same([...members.notIn(await of(`serial:4a@${HASH}`))].filter((member) => member !== undefined), [`serial:004A@${HASH}`])
  t.same([...members.notIn(await of(`serial:004A@${HASH}`), true)].filter((member) => member !== undefined), [], 'both mean the same key')
})

t.test('a serial number that is none revokes nobody and is a problem', async (t) => {
  const { problems, tables } = (await of('serial:', 'serial:xyz', `serial:4a@${HASH}\n`)).content('the set')
  t.equal(problems.length > 0, true)
  t.match(problems[0], { code: 'FST_ENDPOINT_REDIS_MEMBER' })
  t.same(tables.flatMap((table) => [...table]).filter((key) => key !== `serial:4a@${HASH}`), [])
})

t.test('the CRLs of a copy are those of the members', async (t) => {
  const authority = await createAuthority()
  const [one, two] = [1, 2].map((number) => makeCrl(authority, { number, entries: [{ serial: '0a' }] }).pem.trim()) as [string, string]
  const members = await of(one, `${two}\n`, `tbs:${HASH}`)
  const { bytes } = members.content('the set')
  t.same(crlsOf(bytes as Uint8Array), [one, two])
  t.same(crlsOf(Buffer.from('none')), [])
  const copy = await of(...crlsOf(bytes as Uint8Array), `tbs:${HASH}`)
  t.same([...copy.notIn(members, true)].filter((member) => member !== undefined), [], 'nothing of the copy is missing')
  t.same([...copy.notIn(await of(one), true)].filter((member) => member !== undefined), [`tbs:${HASH}`, two])
  t.same([...members.content('the set').tables[0] ?? []].length, 1)
  t.equal(textOf({ kind: 'tbs', value: HASH }), `tbs:${HASH}`)
})
