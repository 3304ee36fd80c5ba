/** With real clients, the example has every metric that the dashboard and the alert rules query. */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { alertSeenByNode } from '../support/alerts.js'
import { Child } from '../support/children.js'
import { get } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { hasProgram, run } from '../support/programs.js'
import { Scrape } from '../support/scrape.js'
import { makeTestFolder } from '../support/test-folder.js'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/metrics')
const read = (file: string): Promise<string> => readFile(join(EXAMPLE, file), 'utf8')

interface Rules { readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<{ readonly expr: string }> }> }
interface Dashboard {
  readonly panels: ReadonlyArray<{ readonly title: string, readonly targets: ReadonlyArray<{ readonly expr: string }> }>
  readonly templating: { readonly list: ReadonlyArray<{ readonly query: string }> }
}

async function start (t: Test): Promise<{ server: Child, folder: string, port: number, scrape: () => Promise<string> }> {
  const folder = join(makeTestFolder(t), 'pki')
  const server = new Child(t, process.execPath, ['dist/examples/metrics/server.js', folder], { cwd: ROOT, env: { ...process.env, ENDPOINT: '', PORT: '0', METRICS_PORT: '0' } })
  const [, port] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  const [, clear] = await server.prints(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/)
  t.equal((await fetch(`http://127.0.0.1:${clear}/`)).status, 404, 'the port in the clear serves only the metrics')
  return { server, folder, port: Number(port), scrape: async () => await (await fetch(`http://127.0.0.1:${clear}/metrics`)).text() }
}

/** The series of an expression: names, with the labels that it is asked for. */
function seriesOf (expression: string): Array<{ name: string, labels: string[] }> {
  return [...expression.matchAll(/(fastify_endpoint_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name, labels: [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label as string)
  }))
}

t.test('the example counts its clients, and has all metrics that its dashboard and rules use', async (t) => {
  const { server, folder, port, scrape } = await start(t)
  const pem = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')
  const client = async (name: string) => ({ ca: await pem('ca.pem'), servername: 'localhost', cert: await pem(`${name}.pem`), key: await pem(`${name}.key`) })
  await appendFile(join(folder, 'revoked.txt'), 'mallory.pem\n')
  await server.prints(/revocation list reloaded/)
  t.match(await get(port, await client('alice')), { status: 200, body: '{"hello":"alice"}' })
  t.match(await get(port, await client('alice'), '/metrics'), { status: 404 }, 'clients of the service see no metrics')
  t.equal(await alertSeenByNode({ port }, await client('mallory')), 'certificate_revoked')
  const stranger = await (await createAuthority({ name: 'Nobody' })).issue({ name: 'alice', usage: 'client' })
  t.equal(await alertSeenByNode({ port }, { ...await client('alice'), cert: stranger.chain, key: stranger.key }), 'unknown_ca')
  const text = await scrape()
  const shown = new Scrape(text)
  t.equal(shown.value('fastify_endpoint_handshakes_total', { version: 'TLSv1.3', result: 'admitted' }), 2)
  for (const reason of ['certificate_revoked', 'unknown_ca']) t.equal(shown.value('fastify_endpoint_refusals_total', { reason, alerted: 'true' }), 1)
  t.equal(shown.value('fastify_endpoint_revocation_entries'), 1)

  const rules = parse(await read('alerts.yml')) as Rules
  const dashboard = JSON.parse(await read('dashboard.json')) as Dashboard
  const expressions = [
    ...rules.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }) => query)
  ]
  const used = new Set<string>()
  for (const { name, labels } of expressions.flatMap(seriesOf)) {
    const metric = name.replace(/_bucket$/, '')
    used.add(metric)
    if (!shown.metrics.has(metric)) t.fail(`there is no ${metric}`)
    // These are there for endpoints with CRLs, with haproxy: and with an allowed list only.
    const [sample] = shown.all(name)
    if (sample === undefined) t.match(name, /_crl_next_update_|_proxy_refusals_|_allowed_rules/)
    else for (const label of labels) t.ok(['job', 'instance'].includes(label) || label in sample.labels, `${name} has the label ${label}`)
  }
  t.same([...used].sort(), [...shown.metrics.keys()].filter((name) => name.startsWith('fastify_endpoint_')).sort(), 'and shows all metrics')

  if (hasProgram(t, 'promtool')) t.match(await run('promtool', ['check', 'metrics'], { input: text }), { status: 0, stdout: '', stderr: '' }, 'promtool accepts them')
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})

t.test('Prometheus accepts the rules and the configuration, and the rules fire when they should', async (t) => {
  if (!hasProgram(t, 'promtool')) return
  t.match(await run('promtool', ['check', 'config', join(EXAMPLE, 'prometheus.yml')]), { status: 0, stdout: /9 rules found/ })
  const { status, stdout, stderr } = await run('promtool', ['test', 'rules', join(import.meta.dirname, 'alerts.test.yml')])
  t.equal(status, 0, stdout + stderr)
})

t.test('Prometheus accepts the expressions of the dashboard', async (t) => {
  if (!hasProgram(t, 'promtool')) return
  const { panels } = JSON.parse(await read('dashboard.json')) as Dashboard
  const rules = panels.flatMap(({ targets }) => targets.map(({ expr }, index) => ({ record: `panel:${index}`, expr: expr.replaceAll('$__rate_interval', '5m') })))
  t.ok(rules.length >= panels.length)
  const folder = makeTestFolder(t, { 'rules.yml': JSON.stringify({ groups: [{ name: 'dashboard', rules }] }) })
  t.match(await run('promtool', ['check', 'rules', join(folder, 'rules.yml')]), { status: 0 })
})
