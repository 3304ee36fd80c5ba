import { createHash } from 'node:crypto'
import { Members } from '/work/wt-a/lib/revocation/sources/redis/members.js'
import { MembersDigest } from '/work/wt-a/lib/revocation/sources/redis/digest.js'
const N = Number(process.argv[2] ?? 1e6)
const lines = Array.from({ length: N }, (_, i) => `tbs:sha256//${createHash('sha256').update(`${i}`).digest('base64')}`)
const more = Array.from({ length: 100000 }, (_, i) => `tbs:sha256//${createHash('sha256').update(`x${i}`).digest('base64')}`)
const time = async (what, f, n) => { const c = process.cpuUsage(); const r = await f(); const d = process.cpuUsage(c); console.log(what, ((d.user + d.system) / n).toFixed(3), 'us each', (process.memoryUsage().rss / 1e6).toFixed(0), 'MB'); return r }
for (let round = 0; round < 3; round++) {
  const digest = new MembersDigest()
  await time('digest', () => { for (const l of more) digest.add(l) }, more.length)
  const m = await time('build', async () => { const e = Members.none.edit(1e7, N); for (const l of lines) e.addKey(l); return await e.finish() }, N)
  const m2 = await time('add', async () => { const e = m.edit(1e7); for (const l of more) e.addKey(l); return await e.finish() }, more.length)
  await time('diff', () => [...m2.notIn(m)].length, more.length)
  const [table] = m2.content('x').tables
  await time('hit', () => { let n = 0; for (const l of more) if (table.has('tbs', l.slice(4))) n++; return n }, more.length)
  await time('miss', () => { let n = 0; for (const l of more) if (table.has('tbs', l.slice(4).replace('/A', '/B').replace('/0', '/x'))) n++; return n }, more.length)
  await time('one', async () => { let x = m2; for (let i = 0; i < 1000; i++) { const e = x.edit(1e7); e.delete(more[i]); x = await e.finish() } }, 1000)
}
