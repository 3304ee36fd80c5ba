import t, { type Test } from 'tap'
import { type BundledApp, startBundledApp } from '../support/bundled.js'
import { asClient, get } from '../support/mutual-tls.js'

const WARNING = 'fastify-endpoint reads large CRLs on the main thread'
const REMEDY = 'mark fastify-endpoint as external'

async function servesAndRevokes (t: Test, { site, port, revokeMallory }: BundledApp): Promise<void> {
  t.match(await get(port, asClient(site, site.mallory)), { status: 200, body: 'CN=mallory' })
  await revokeMallory()
  await t.rejects(get(port, asClient(site, site.mallory)))
  t.match(await get(port, asClient(site, site.alice)), { status: 200, body: 'CN=alice' })
}

for (const format of ['esm', 'cjs'] as const) {
  t.test(`an app with the package in its ${format} bundle runs once, and reads files in its main thread`, async (t) => {
    const app = await startBundledApp(t, format)
    await servesAndRevokes(t, app)
    t.equal(app.count('listens on'), 1)
    t.equal(app.count(WARNING), 1)
    t.equal(app.count(REMEDY), 1)
  })
}

for (const format of ['esm', 'cjs'] as const) {
  t.test(`an app whose ${format} bundle leaves the package out reads files in its thread`, async (t) => {
    const app = await startBundledApp(t, format, ['fastify-endpoint'])
    await servesAndRevokes(t, app)
    t.equal(app.count('listens on'), 1)
    t.equal(app.count(WARNING), 0)
  })
}
