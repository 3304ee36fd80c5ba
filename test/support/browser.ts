/**
 * Chromium with its own profile. The client certificate is in an NSS database, as a user has it, and a policy chooses it,
 * because no user answers the dialog. (With Playwright's option clientCertificates, a proxy of Playwright does the handshake
 * instead of the browser.)
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'
import type { Test } from 'tap'
import type { Site } from './mutual-tls.js'
import { run } from './programs.js'

const PASSWORD = 'of a file that is gone in a moment'

/**
 * Opens the browser for a user of a site; it is closed with the test.
 * @param origin for which the certificate is taken: `https://localhost:8443`
 */
export async function openBrowser (t: Test, site: Site, name: 'alice' | 'mallory', origin: string): Promise<BrowserContext> {
  const home = site.path(`home-of-${name}`)
  const database = join(home, '.pki', 'nssdb')
  const policies = join(home, 'etc', 'policies', 'managed')
  await Promise.all([database, policies].map((folder) => mkdir(folder, { recursive: true })))
  await writeFile(join(policies, 'policy.json'), JSON.stringify({ AutoSelectCertificateForUrls: [JSON.stringify({ pattern: origin, filter: {} })] }))
  const store = site.path(`${name}.p12`)
  await must('openssl', 'pkcs12', '-export', '-name', name, '-in', site.path(`${name}.pem`), '-inkey', site.path(`${name}.key`), '-passout', `pass:${PASSWORD}`, '-out', store)
  await must('certutil', '-N', '-d', `sql:${database}`, '--empty-password')
  await must('certutil', '-A', '-d', `sql:${database}`, '-n', 'ca', '-t', 'C,,', '-i', site.path('ca.pem'))
  await must('pk12util', '-d', `sql:${database}`, '-i', store, '-W', PASSWORD)
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: await wrapper(home),
    // Without a sandbox, which root cannot have, and with nothing of its own to do in the net.
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
    env: { ...process.env, HOME: home }
  })
  t.teardown(() => context.close())
  return context
}

/** Chromium with its own folder of policies instead of the machine's. */
async function wrapper (home: string): Promise<string> {
  const path = join(home, 'chromium')
  await writeFile(path, `#!/bin/sh
exec unshare --mount --map-root-user sh -c 'mount --bind "$0" /etc/chromium && exec chromium "$@"' '${join(home, 'etc')}' "$@"
`)
  await chmod(path, 0o755)
  return path
}

async function must (program: string, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await run(program, args)
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
}
