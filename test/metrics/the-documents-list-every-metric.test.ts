import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeCrlSite } from '../support/crl-site.js'
import { startApp } from '../support/mutual-tls.js'
import { Scrape } from '../support/scrape.js'

t.test('the documents have a table of all metrics, with their types and labels', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  await writeFile(site.path('allowed.txt'), 'cn:alice\n')
  const metrics = new Registry()
  await startApp(t, `haproxy:${site.strict(`allowedFile=${quoteEndpointArgument(site.path('allowed.txt'))}`)}`, undefined, { plugin: { metrics } })
  const scrape = new Scrape(await metrics.metrics())
  const shown = [...scrape.metrics].map(([name, { type }]) => {
    const samples = scrape.all(type === 'histogram' ? `${name}_sum` : name)
    t.ok(samples.length > 0, name)
    for (const { labels } of samples) t.ok(labels['endpoint'], `${name} has the label endpoint`)
    const labels = new Set(samples.flatMap(({ labels }) => Object.keys(labels)))
    labels.delete('endpoint')
    return `${name} ${type} ${[...labels].join(', ')}`
  })
  const document = await readFile(join(import.meta.dirname, '../../docs/operating.md'), 'utf8')
  const told = [...document.matchAll(/^\| `(fastify_endpoint_\w+)` \| (\w+) \| ([\w, ]*?) ?\| /gm)].map(([, name, type, labels]) => `${name} ${type} ${labels}`)
  t.same(told.sort(), shown.sort())
})
