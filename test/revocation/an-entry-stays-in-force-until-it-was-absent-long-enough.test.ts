/** Random changes of lists and files, compared with a simple model of the rule. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const clients = await Promise.all(['alice', 'bob', 'carol'].map((name) => authority.issue({ name })))
const DELAY = 2000
const PLACES = ['a/1.pem', 'a/2.pem', 'a/1.crt', 'b/1.pem', 'b/d/1.pem']
/** Each line, and which places it names. */
const LINES = new Map([
  ['a/*.pem', ['a/1.pem', 'a/2.pem']],
  ['a/*.crt', ['a/1.crt']],
  ['b/**/*.pem', ['b/1.pem', 'b/d/1.pem']],
  ['{a,b}/1.*', ['a/1.pem', 'a/1.crt', 'b/1.pem']]
])

const place = fc.constantFrom(...PLACES)
const some = fc.subarray([...clients.keys()], { minLength: 1 })
const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), to: place, some }),
  fc.record({ kind: fc.constant('replace' as const), to: place, some }),
  fc.record({ kind: fc.constant('rename' as const), from: place, to: place }),
  fc.record({ kind: fc.constant('remove' as const), from: place }),
  fc.record({ kind: fc.constant('list' as const), lines: fc.subarray([...LINES.keys()]), isEnded: fc.boolean() }),
  fc.record({ kind: fc.constant('scan' as const), after: fc.integer({ min: 0, max: 1200 }) }),
  fc.record({ kind: fc.constant('scan' as const), after: fc.integer({ min: 0, max: 1200 }) })
)

/** A folder, and which clients' certificates a scan of it finds. */
class Model {
  readonly reloading: Reloading
  lines: readonly string[] = [...LINES.keys()]

  constructor (folder: string) {
    this.reloading = new Reloading(folder)
    this.reloading.removalDelay = DELAY
    this.reloading.time = 0
  }

  act (step: Exclude<Step, { kind: 'scan' }>): void {
    const path = (name: string): string => this.reloading.path(...name.split('/'))
    switch (step.kind) {
      case 'write': return writeFileSync(path(step.to), bundle(step.some))
      case 'replace':
        writeFileSync(path('next'), bundle(step.some))
        return renameSync(path('next'), path(step.to))
      case 'rename':
        if (existsSync(path(step.from))) renameSync(path(step.from), path(step.to))
        return
      case 'remove': return rmSync(path(step.from), { force: true })
      case 'list':
        this.lines = step.lines
        writeFileSync(this.reloading.list, `# list\n${step.lines.join('\n')}${step.isEnded ? '\n' : ''}`)
    }
  }

  get found (): Set<number> {
    const names = new Set(this.lines.flatMap((line) => LINES.get(line) ?? []))
    const texts = [...names].map((name) => this.reloading.path(...name.split('/'))).filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))
    return new Set([...clients.keys()].filter((index) => texts.some((text) => text.includes(clients[index]?.certificate ?? '-'))))
  }

  get revoked (): Set<number> {
    return new Set([...clients.keys()].filter((index) => this.reloading.revoked(clients[index] as typeof clients[number]).length > 0))
  }
}

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function bundle (some: readonly number[]): string {
  return some.map((index) => clients[index]?.certificate).join('')
}

t.test('no client is admitted too early, in any order of changes and scans', async (t) => {
  let runs = 0
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
    const folder = makeTestFolder(t, { 'revoked.txt': `${[...LINES.keys()].join('\n')}\n`, [`run-${runs++}`]: {}, a: { '1.pem': bundle([0, 1]) }, b: { d: { '1.pem': bundle([2]) } } })
    const model = new Model(folder)
    await model.reloading.scan()
    const seenAt = clients.map(() => 0)
    for (const step of steps) {
      if (step.kind !== 'scan') {
        model.act(step)
        continue
      }
      const time = (model.reloading.time ?? 0) + step.after
      model.reloading.time = time
      const found = model.found
      await model.reloading.scan()
      const { revoked } = model
      for (const index of clients.keys()) {
        if (found.has(index)) seenAt[index] = time
        // Adding is never late, and removing never early.
        if (time - (seenAt[index] ?? 0) < DELAY && !revoked.has(index)) throw new Error(`client ${index} is let in at ${time}, and was there at ${seenAt[index]}`)
      }
    }
    await model.reloading.pass(0)
    await model.reloading.pass(DELAY)
    // Some entries wait for their line first, and then for themselves.
    await model.reloading.pass(DELAY)
    const found = [...model.found].join()
    if ([...model.revoked].join() !== found) throw new Error(`in the end ${[...model.revoked].join()} are revoked, and ${found} are there`)
    if (model.reloading.loaded?.again !== undefined) throw new Error('something waits without an end')
  }), { numRuns: 60 })
  t.pass('all are as expected')
})
