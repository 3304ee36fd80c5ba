/** The code of the thread, run on the main thread. */
import { on } from 'node:events'
import { unlinkSync, writeFileSync } from 'node:fs'
import { MessageChannel } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { FilesService } from '../../lib/revocation/thread/served-files.js'
import { ownThread } from '../../lib/revocation/files/host.js'
import { certificate, ManyFiles } from '../support/many-files.js'
import type { Answer, Command, RefreshPayload, SentResult, SentPart } from '../../lib/revocation/thread/messages.js'
import { makeTestFolder } from '../support/test-folder.js'

type Request = RefreshPayload['request']

class Asking {
  readonly #channel = new MessageChannel()
  readonly #service = new FilesService(this.#channel.port1)
  readonly #answers = on(this.#channel.port2, 'message')
  readonly request: Request
  #calls = 0

  constructor (t: Test, { list, folder }: ManyFiles) {
    this.request = {
      list,
      folder,
      patterns: [{ kind: 'pattern', value: 'certs/*.pem', line: 1 }],
      limits: { fileBytes: 100_000, files: 10_000, entries: 10_000 },
      authorities: { certificates: [], anchors: 'self-signed', digest: '' }
    }
    t.teardown(() => { this.#channel.port1.close() })
  }

  tell (command: Command): void {
    this.#service.handle(command)
  }

  /** @returns the number of the call */
  call (files: number, isWhole: boolean, request = this.request): number {
    const id = this.#calls++
    this.#service.handle({ id, kind: 'refresh', payload: { files, request, isWhole } })
    return id
  }

  async answer (): Promise<Answer> {
    const { value: [answer] } = await this.#answers.next() as { value: [Answer] }
    return answer
  }

  /** A round, each part of which is taken as it comes. */
  async refresh (files: number, isWhole = false, request = this.request): Promise<{ parts: SentPart[], found: SentResult }> {
    const parts: SentPart[] = []
    const id = this.call(files, isWhole, request)
    while (true) {
      const answer = await this.answer()
      if ('id' in answer && answer.id !== id) throw new Error(`an answer to ${answer.id}, and not to ${id}`)
      if (answer.kind === 'done') return { parts, found: answer.result as SentResult }
      if (answer.kind !== 'part') throw new Error(JSON.stringify(answer))
      parts.push(answer.part)
      this.tell({ kind: 'acknowledged' })
    }
  }
}

const pathsOf = (parts: readonly SentPart[]): string[] => parts.flatMap(({ files }) => files.map(({ path }) => path))

t.test('the thread sends all files in parts at first, and then only changes', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), 300)
  const asking = new Asking(t, files)
  asking.tell({ kind: 'open', files: 1, from: undefined })
  const { parts, found } = await asking.refresh(1)
  t.ok(parts.length > 2)
  t.ok(parts.every(({ isFull }) => isFull))
  t.equal(new Set(pathsOf(parts)).size, 300)
  t.match(found, { problems: [], notices: [], warnings: [], faultyPatterns: [] })
  for (let isRacy = found.isRacy; isRacy;) isRacy = (await asking.refresh(1)).found.isRacy
  t.same(pathsOf((await asking.refresh(1, true)).parts), [])

  asking.tell({ kind: 'watch', files: 1, interval: 10 })
  const changed = asking.answer()
  writeFileSync(files.path(3), certificate(1003))
  t.match(await changed, { kind: 'changed', files: 1, changes: new Map([[files.path(3), {}]]) })
  asking.tell({ kind: 'pause', files: 1 })
  const { parts: [part] } = await asking.refresh(1)
  t.match(part, { isFull: false, files: [{ path: files.path(3), namedBy: [0], content: {} }] })

  // Others begin with what these know, so nothing is read again.
  asking.tell({ kind: 'open', files: 2, from: 1 })
  const forked = await asking.refresh(2)
  t.equal(new Set(pathsOf(forked.parts)).size, 300)
  t.ok(forked.parts.flatMap(({ files }) => files).filter(({ content }) => content !== undefined).length <= 1)
  for (const files of [1, 2]) asking.tell({ kind: 'close', files })
})

t.test('the thread reports a problem in each round and retries', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), 3)
  writeFileSync(files.path(1), 'broken')
  const asking = new Asking(t, files)
  asking.tell({ kind: 'open', files: 1, from: undefined })
  const { parts, found } = await asking.refresh(1)
  t.equal(pathsOf(parts).length, 3)
  t.match(found, { problems: [{ code: 'FST_ENDPOINT_FILE_INVALID', location: { file: files.path(1) } }], faultyPatterns: [0] })
  t.match((await asking.refresh(1)).found.problems, [{ code: 'FST_ENDPOINT_FILE_INVALID' }])
  writeFileSync(files.path(1), certificate(1))
  const after = await asking.refresh(1)
  t.same(after.found.problems, [])
  t.ok(pathsOf(after.parts).includes(files.path(1)))
})

t.test('the thread reports which of two patterns still name a file', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), 3)
  const asking = new Asking(t, files)
  const request: Request = { ...asking.request, patterns: [{ kind: 'pattern', value: 'certs/*.pem', line: 1 }, { kind: 'pattern', value: 'certs/device-1*', line: 2 }] }
  asking.tell({ kind: 'open', files: 1, from: undefined })
  const { parts } = await asking.refresh(1, false, request)
  t.match(parts.flatMap(({ files }) => files).find(({ path }) => path === files.path(1)), { namedBy: [0, 1] })
  writeFileSync(`${files.folder}/certs/device-12`, certificate(12))
  const { parts: added } = await asking.refresh(1, true, request)
  t.match(added.flatMap(({ files }) => files).find(({ path }) => path.endsWith('-12')), { namedBy: [1] })
  unlinkSync(`${files.folder}/certs/device-12`)
  unlinkSync(files.path(1))
  const { parts: removed } = await asking.refresh(1, true, request)
  t.same(removed.flatMap(({ files }) => files).filter(({ namedBy }) => namedBy.length === 0).length, 2)
})

t.test('the thread rejects calls for closed files, and reports an unexpected error as a problem', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), 300)
  const asking = new Asking(t, files)
  asking.tell({ kind: 'open', files: 1, from: undefined })
  asking.call(1, true)
  await asking.answer()
  asking.tell({ kind: 'close', files: 1 })
  asking.tell({ kind: 'acknowledged' })
  let answer = await asking.answer()
  while (answer.kind === 'part') {
    asking.tell({ kind: 'acknowledged' })
    answer = await asking.answer()
  }
  t.match(answer, { kind: 'failed', problem: { message: 'the files were closed' } })
  asking.tell({ kind: 'open', files: 2, from: undefined })
  const id = asking.call(2, true, { ...asking.request, authorities: { certificates: [Buffer.from('no certificate')], anchors: 'self-signed', digest: 'x' } })
  t.match(await asking.answer(), { kind: 'failed', id, problem: { message: String } })
})

t.test('parts of two calls wait until earlier parts are acknowledged', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), 600)
  const asking = new Asking(t, files)
  const calls = [1, 2].map((files) => {
    asking.tell({ kind: 'open', files, from: undefined })
    return asking.call(files, true)
  })
  const parts = new Map(calls.map((id) => [id, 0]))
  for (let ended = 0; ended < 2;) {
    const answer = await asking.answer()
    if (answer.kind === 'done') ended++
    else if (answer.kind === 'part') parts.set(answer.id, parts.get(answer.id) as number + answer.part.files.length)
    else throw new Error(JSON.stringify(answer))
    if (answer.kind === 'part') asking.tell({ kind: 'acknowledged' })
  }
  t.same([...parts.values()], [600, 600])
})

t.test('a missing file is gone, but a dangling link is not', async (t) => {
  const { folder } = new ManyFiles(makeTestFolder(t, { link: t.fixture('symlink', 'nowhere') }), 0)
  const host = ownThread()
  t.ok(host.isGone(`${folder}/none`))
  t.notOk(host.isGone(`${folder}/link`))
})
