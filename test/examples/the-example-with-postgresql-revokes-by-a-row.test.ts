/** The example with PostgreSQL: a row revokes at once, and every client stays revoked while the database server is away. */
import { writeFile } from 'node:fs/promises'
import pg from 'pg'
import t from 'tap'
import { PostgresRevocations } from '../../examples/postgresql/postgres-revocations.js'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { startPostgres } from '../support/postgres.js'
import { hasProgram } from '../support/programs.js'
import { until } from '../support/until.js'

const SCHEMA = `
CREATE TABLE revoked (key text PRIMARY KEY);
CREATE FUNCTION tell_of_revoked () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY revoked; RETURN NULL; END $$;
CREATE TRIGGER tell_of_revoked AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON revoked EXECUTE FUNCTION tell_of_revoked();
`

t.test('an inserted row takes effect, and stays in force while the database server is away', async (t) => {
  if (!hasProgram(t, 'postgresql')) return
  const [site, server] = await Promise.all([makeSite(t), startPostgres(t)])
  const say = async (query: string, values: string[] = []): Promise<void> => {
    const client = new pg.Client({ connectionString: server.address })
    await client.connect()
    await client.query(query, values.length > 0 ? values : undefined)
    await client.end()
  }
  await say(SCHEMA)
  await writeFile(site.path('revoked.txt'), `${server.address}\n`)
  const sources = { postgresql: (line: string) => new PostgresRevocations(line) }
  const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { sources } })
  const statusOf = (der: Buffer): string | undefined => app.endpoint.listeners[0]?.revocation?.status([der]).status
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  await say('INSERT INTO revoked VALUES ($1)', [`tbs:${identifyCertificate(site.mallory.der).tbs}`])
  await until('mallory is revoked', () => statusOf(site.mallory.der) === 'revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.match(app.endpoint.listeners[0]?.revocation?.status([site.mallory.der]), { source: { line: 1, source: 'postgresql:///postgres' } })

  server.child.kill('SIGKILL')
  await server.child.ended
  await until('the app is degraded', () => app.endpoint.health().status === 'degraded')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  await server.start()
  await until('the app is ready', () => app.endpoint.health().status === 'ready')
  await say('DELETE FROM revoked')
  await until('mallory is good again', () => statusOf(site.mallory.der) === 'good')
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  await say('INSERT INTO revoked VALUES ($1)', ['nothing'])
  await until('the health names the wrong keys', () => app.endpoint.health().reasons.some(({ error }) => error === 'FST_ENDPOINT_SOURCE_KEYS'))
  t.pass('an invalid key is reported')
})
