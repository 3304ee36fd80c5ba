/** The package as npm would publish it, and the app of test/clients/app on it, in its own process. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { makeSite, type Site } from './mutual-tls.js'

/** The folder that the package is installed into. */
export function installed (): string {
  const folder = fileURLToPath(new URL('../../dist/installed', import.meta.url))
  if (!existsSync(join(folder, 'server.js'))) throw new Error('the package is not installed: npm run installed')
  return folder
}

export interface VisitedApp {
  readonly site: Site
  readonly port: number
  /** Revokes mallory's certificate; resolves when the app has put that in force. */
  revokeMallory (): Promise<void>
}

/**
 * Starts the app behind mutual TLS; it ends with the test.
 * @param extra arguments of the endpoint string in addition
 */
export async function startInstalledApp (t: Test, extra = ''): Promise<VisitedApp> {
  const site = await makeSite(t)
  const child = fork(join(installed(), 'server.js'), [], { env: { ...process.env, ENDPOINT: site.endpoint() + extra }, execArgv: [], stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const killed = (): void => { child.kill('SIGKILL') }
  process.once('exit', killed)
  t.teardown(async () => {
    process.removeListener('exit', killed)
    child.kill('SIGTERM')
    await ended
  })
  let log = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { log += text })
  const [{ port }] = await Promise.race([once(child, 'message'), ended.then(() => { throw new Error(`the app ended: ${log}`) })]) as [{ port: number }]
  return {
    site,
    port,
    revokeMallory: async () => {
      await appendFile(site.path('revoked.txt'), 'mallory.pem\n')
      while (!log.includes('revocation list reloaded')) await once(child.stdout as NodeJS.ReadableStream, 'data')
    }
  }
}
