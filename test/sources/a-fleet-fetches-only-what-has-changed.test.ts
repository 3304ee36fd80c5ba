/**
 * Two hundred nodes follow one CRL and its delta CRL at a real nginx. What a change, a look without a change and a restart of
 * all of them cost the server is compared with what it costs if each reads the whole CRL.
 */
import { join } from 'node:path'
import t from 'tap'
import { LineSources } from '../../lib/revocation/sources/line-sources.js'
import { BUILT_IN } from '../../lib/revocation/sources/kinds.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { makeCrl } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { startNginxSite } from '../support/nginx-site.js'
import { createAuthority } from '../support/pki.js'
import { freshest } from '../support/points.js'
import { hasNginx } from '../support/proxies.js'
import { makeTestFolder } from '../support/test-folder.js'

const NODES = 200
/** 10,000 entries are 350 kB; `npm run bench:origin` does the same with a million. */
const ENTRIES = 10_000

t.test('ten new entries cost a server of a fleet less than one in a hundred whole CRLs', async (t) => {
  if (!hasNginx(t)) return
  const ca = await createAuthority()
  const nginx = await startNginxSite(t, { directives: 'gzip on; gzip_min_length 256; gzip_types application/pkix-crl;' })
  const full = makeLargeCrl(ca, { count: ENTRIES, number: 1, extensions: [freshest(nginx.url('/delta.crl'))] })
  const putDelta = (number: number, count: number): Promise<void> => nginx.put('delta.crl', makeCrl(ca, {
    number, base: 1, entries: Array.from({ length: count }, (_, index) => ({ serial: (0x70000000 + index).toString(16) }))
  }).der)
  await nginx.put('full.crl', full.der)
  await putDelta(1, 0)

  const folder = makeTestFolder(t, {})
  const authorities = new Authorities([ca.der])
  const reader = new ReaderThread()
  t.teardown(() => { reader.close() })
  const lines = [{ kind: 'source', value: nginx.url('/full.crl'), line: 1 }, { kind: 'source', value: 'cdp:', line: 2 }] as const
  const start = async (): Promise<LineSources[]> => {
    const nodes: LineSources[] = []
    for (let node = 0; node < NODES; node++) {
      const sources = new LineSources({
        factories: BUILT_IN, list: join(folder, 'revoked.txt'), cacheDir: join(folder, `node${node}`), authorities, reader, limits: { fileBytes: 10_000_000, entries: 1_000_000 }
      })
      nodes.push(sources)
      await sources.follow(lines)
    }
    return nodes
  }
  let seen = 0
  let bytes = 0
  const since = async (): Promise<{ answers: Map<string, number>, bytes: number }> => {
    const answers = new Map<string, number>()
    for (const line of (await nginx.untilAnswered(seen + 2 * NODES)).slice(seen)) answers.set(line, (answers.get(line) ?? 0) + 1)
    seen += 2 * NODES
    const before = bytes
    bytes = await nginx.bytes()
    return { answers, bytes: bytes - before }
  }

  let nodes = await start()
  t.teardown(() => { for (const node of nodes) node.close() })
  const whole = await since()
  t.equal(whole.answers.get('/full.crl 200 gzip'), NODES, 'a new fleet reads all, compressed')
  t.ok(whole.bytes < NODES * full.der.length, `${whole.bytes} bytes`)

  for (const node of nodes) await node.refresh()
  const nothing = await since()
  t.same([...nothing.answers], [['/full.crl 304', NODES], ['/delta.crl 304', NODES]])
  t.ok(nothing.bytes < whole.bytes / 100, `a look: ${nothing.bytes} bytes`)

  await putDelta(2, 10)
  for (const node of nodes) await node.refresh()
  const change = await since()
  t.equal(change.answers.get('/full.crl 304'), NODES)
  t.ok(change.bytes < whole.bytes / 100, `ten entries: ${change.bytes} bytes of ${whole.bytes}`)
  for (const node of nodes) {
    const counts = node.collect(false).crls.map(({ crl }) => crl.entries.size)
    if (Math.min(...counts) !== 10) t.fail(`a node has CRLs with ${counts.join()} entries`)
  }

  for (const node of nodes) node.close()
  nodes = await start()
  const restart = await since()
  t.same([...restart.answers].toSorted(), [['/delta.crl 304', NODES], ['/full.crl 304', NODES]], 'after a restart of all, the copies are enough')
  t.ok(restart.bytes < whole.bytes / 100, `a restart: ${restart.bytes} bytes`)
})
