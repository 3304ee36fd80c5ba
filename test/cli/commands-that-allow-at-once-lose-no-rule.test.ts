import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain, runProgram } from '../support/command-line.js'

async function rulesOf (list: string): Promise<string[]> {
  return (await parseAllowedList(await readFile(list), 'list', {})).rules.map(({ value }) => value)
}

t.test('commands that run at once lose no rule, and the list is valid at each moment', async (t) => {
  const site = await makeAllowedSite(t, ['cn:first', 'cn:last'])
  const list = site.path('allowed.txt')
  const names = Array.from({ length: 5 }, (_, index) => `client-${index}`)
  for (const name of names) await site.write(name, await site.ca.issue({ name, usage: 'client' }))
  const over = new AbortController()
  const watching = (async () => {
    let known = 0
    while (!over.signal.aborted) {
      const { length } = await rulesOf(list)
      if (length < known) throw new Error(`${length} rules after ${known}`)
      known = length
    }
  })()
  const runs = await Promise.all(names.map((name) => runProgram(['allow', site.path(`${name}.pem`), '--list', list])))
  over.abort()
  await watching
  t.same(runs.map(({ status, stderr }) => ({ status, stderr })), names.map(() => ({ status: 0, stderr: '' })))
  t.same((await rulesOf(list)).sort(), [...names, 'first', 'last'].sort())
  t.same((await readdir(site.folder)).filter((name) => name.startsWith('.')), [])
})

t.test('calls in one process that add and remove rules at once lose no rule', async (t) => {
  const site = await makeAllowedSite(t, ['cn:first', 'cn:alice'])
  const list = site.path('allowed.txt')
  const runs = await Promise.all([['mallory'], ['alice', '--undo'], ['server']].map(([name = '', ...options]) => runMain(['allow', site.path(`${name}.pem`), '--list', list, ...options])))
  t.same(runs.map(({ status }) => status), [0, 0, 0])
  t.same((await rulesOf(list)).sort(), ['first', 'localhost', 'mallory'])
})
