import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const [MODULE, FOLLOWER, OBSERVATION] = ['revocation/watch.ts', 'watching/follower.ts', 'watching/observation.ts']
  .map((file) => new URL(`../../lib/${file}`, import.meta.url).href)

/** Runs a program that has a watcher `watcher` of the list `file`. */
async function runProgram (file: string, body: string): Promise<string> {
  const program = `const { RevocationWatcher } = await import(${JSON.stringify(MODULE)})
    const watcher = await RevocationWatcher.start({ file: ${JSON.stringify(file)} })
    ${body}`
  const { stdout } = await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  return stdout
}

t.test('a program with a watcher exits when it has nothing else to do', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '*.pem\n' }), 'revoked.txt')
  t.equal(await runProgram(file, 'console.log(watcher.generation)'), '1\n')
})

t.test('a program exits only after its reload has finished', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '*.pem\n' }), 'revoked.txt')
  t.equal(await runProgram(file, 'await watcher.reload(); console.log(watcher.generation)'), '2\n')
})

t.test('a watcher that retries after a problem does not keep the process alive', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '*.pem\n' }), 'revoked.txt')
  t.equal(await runProgram(file, `const { rmSync } = await import('node:fs'); rmSync(${JSON.stringify(file)}); await watcher.reload().catch(({ code }) => console.log(code))`), 'FST_ENDPOINT_FILE_UNREADABLE\n')
})

t.test('a program exits only after a reload that it asks for while a change settles', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '' }), 'revoked.txt')
  const program = `const { Follower } = await import(${JSON.stringify(FOLLOWER)})
    const { look } = await import(${JSON.stringify(OBSERVATION)})
    const { appendFileSync } = await import('node:fs')
    const file = ${JSON.stringify(file)}
    const load = async () => ({ observed: new Map([[file, await look(file)]]), problems: [] })
    const alive = setInterval(() => {}, 1000)
    const onChanges = () => {
      clearInterval(alive)
      setTimeout(() => { follower.ask().then(() => { console.log('loaded') }) }, 1)
    }
    const follower = new Follower({ loaded: await load(), load, onChanges, apply: () => {}, closedError: () => new Error('closed'), interval: 100 })
    appendFileSync(file, 'a.pem')`
  const { stdout } = await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  t.equal(stdout, 'loaded\n')
})
