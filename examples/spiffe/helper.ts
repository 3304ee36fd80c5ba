/**
 * Stands in for SPIRE and spiffe-helper: creates a trust domain, and renews its SVIDs and its authority until it is stopped.
 *
 *     node dist/examples/spiffe/helper.js [folder]      # STEP sets the seconds between two steps
 */
import { fileURLToPath } from 'node:url'
import { setTimeout as wait } from 'node:timers/promises'
import { TrustDomain } from './trust-domain.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/spiffe/pki', import.meta.url))
const step = 1000 * Number(process.env['STEP'] || 10)

const domain = await TrustDomain.start(folder, 'example.org', ['server', 'client'])
console.log(`the trust domain ${domain.name} is in ${folder}`)

for (;;) {
  await wait(step)
  await domain.renew()
  console.log('the server and the client have new SVIDs')
  await wait(step)
  await domain.prepareAuthority()
  console.log('the bundle has the next authority')
  await wait(step)
  await domain.activateAuthority()
  console.log('the next authority has issued new SVIDs')
  await wait(step)
  await domain.dropOldAuthorities()
  console.log('the old authority is gone from the bundle')
}
