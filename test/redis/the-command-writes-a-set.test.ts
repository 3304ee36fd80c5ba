import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { PROGRAM, runMain } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { entries, entry, openSource } from '../support/redis-source.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('the command adds a certificate to a set, and removes it', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  const site = await makeSite(t)
  const key = `tbs:${identifyCertificate(site.mallory.der).tbs}`
  const mallory = site.path('mallory.pem')

  const unmarked = await runMain(['revoke', mallory, '--to', address])
  t.equal(unmarked.status, 1)
  t.match(unmarked.stderr, /The set has no marker: running nodes apply the new entries, but no node can start/)
  t.same(await client.smembers('revoked'), [key], 'it exists anyway')
  t.match(await runMain(['revoke', '--accept', '--to', address, '--dry-run']), { status: 0, stdout: /would be accepted.*nothing was written/ })
  t.match(await runMain(['revoke', '--accept', '--to', address]), { status: 0, stdout: /is accepted as complete, with 1 entry/ })

  t.match(await runMain(['revoke', mallory, '--to', address]), { status: 0, stdout: /^0 entries were added to the set, which now has 1\.\n$/ })
  t.match(await runMain(['revoke', site.path('alice.pem'), '--spki', '--to', address, '--dry-run']), { status: 0, stdout: /^1 entry would be added to the set, which would then have 2; nothing was written/ })
  t.match(await runMain(['revoke', mallory, '--undo', '--to', address]), { status: 0, stdout: /^1 entry was removed from the set, which now has 0/ })
  t.same(await client.smembers('revoked'), [])
})

t.test('the command adds a hundred thousand entries from a file, and apps receive them', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await runMain(['revoke', '--accept', '--to', address])
  const { until, load } = openSource(t, address)
  await load()
  const file = `${makeTestFolder(t, {})}/entries.txt`
  await writeFile(file, `# all of them\n${entries(100_000).join('\n')}\n`)
  await until((content) => content?.keys.length === 100_000, async () => {
    t.match(await runMain(['revoke', '--entries', file, '--to', address]), { status: 0, stdout: /^100000 entries were added to the set, which now has 100000/ })
  })
  t.same((await load()).problems, [])
  t.equal(await client.hget('revoked:state', 'count'), '100000')
})

t.test('the command reads entries from standard input', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await runMain(['revoke', '--accept', '--to', address])
  t.match(await run(process.execPath, [PROGRAM, 'revoke', '--entries', '-', '--to', address], { input: `${entry(1)}\n${entry(2)}\n` }), { status: 0, stdout: /^2 entries were added/ })
  t.equal(await client.scard('revoked'), 2)
})

t.test('the command reports what is wrong, and writes nothing', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  const folder = makeTestFolder(t, { 'patterns.txt': 'stolen/*.pem\n', 'wrong.txt': `${entry(1)}\ntbs:nothing\n` })
  for (const [args, status, message] of [
    [['--to', address], 2, /no certificate given: name its file, or a file of entries with --entries/],
    [['--to', address, '--accept', '--undo'], 2, /give only --to with it/],
    [['--to', address, '--list', 'revoked.txt'], 2, /--list and --to exclude each other/],
    [['--accept', '--to', 'redis://:hunter2@localhost/0'], 1, /key= must name the set/],
    [['--entries', `${folder}/patterns.txt`, '--to', address], 1, /line 1: only lines tbs:…, serial:… and spki:…/],
    [['--entries', `${folder}/wrong.txt`, '--to', address], 1, /line 2/],
    [['--entries', `${folder}/missing.txt`, '--to', address], 1, /no such file/],
    [['--accept', '--to', 'redis://:hunter2@127.0.0.1:1/0?key=revoked'], 1, /redis:\/\/127\.0\.0\.1:1\/0\?key=revoked cannot be read or written: connect ECONNREFUSED/]
  ] as const) {
    const { status: actual, stdout, stderr } = await runMain(['revoke', ...args])
    t.equal(actual, status, args.join(' '))
    t.match(stderr, message)
    t.notMatch(stdout + stderr, /hunter2/)
  }
  t.same(await client.keys('*'), [])
})

t.test('the command reports a full Redis, and the set does not change', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t, ['--maxmemory-policy', 'noeviction'])
  const site = await makeSite(t)
  const mallory = site.path('mallory.pem')
  await runMain(['revoke', '--accept', '--to', address])
  await client.config('SET', 'maxmemory', '100kb')
  const { status, stdout, stderr } = await runMain(['revoke', mallory, '--to', address])
  t.equal(status, 1)
  t.equal(stdout, '')
  t.match(stderr, /cannot be read or written: OOM/)
  t.equal(await client.scard('revoked'), 0)
  await client.config('SET', 'maxmemory', '0')
  t.match(await runMain(['revoke', mallory, '--to', address]), { status: 0, stdout: /^1 entry was added to the set, which now has 1/ })
})

t.test('the command reports a log that it may not write, and the set changes all the same', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, address, client } = await startRedis(t)
  const site = await makeSite(t)
  await client.call('ACL', 'SETUSER', 'ca', 'on', '>hunter2', '~*', '&*', '+@all', '-xadd')
  const limited = `redis://ca:hunter2@127.0.0.1:${port}/0?key=revoked`
  const warning = /^The log of changes cannot be written \(.*(?:xadd|permission|can't run).*\), so each node reads the whole set at each change\. See .*docs\/fleets\.md\.\n$/i
  t.match(await runMain(['revoke', '--accept', '--to', limited]), { status: 0, stderr: warning })
  t.match(await runMain(['revoke', site.path('mallory.pem'), '--to', limited]), { status: 0, stdout: /^1 entry was added/, stderr: warning })
  t.equal(await client.scard('revoked'), 1)
  t.match(await runMain(['revoke', site.path('alice.pem'), '--to', address]), { status: 0, stderr: /^$/ })
})
