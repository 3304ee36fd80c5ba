import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { compiled, counted } from '../support/inherited.js'
import { head } from '../support/peer.js'
import { makeTestFolder } from '../support/test-folder.js'

const [node, ...args] = compiled('one-connection') as [string, ...string[]]
const post = (body: string): string => `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

t.test('one connection is served on pipes, request after request, and the process ends with it', async (t) => {
  const [node, ...args] = counted('one-connection') as [string, ...string[]]
  const child = new Child(t, node, args)
  await child.prints(/Server listening at stdio/)
  for (const path of ['/', '/', '/missing']) {
    child.output = ''
    child.process.stdin?.write(head(path))
    await child.prints(path === '/' ? /\{"pid":\d+\}/ : /"statusCode":404\}/)
    t.notMatch(child.output, 'connection: close')
  }
  child.process.stdin?.end()
  t.match(await child.ended, { status: 0 })
  t.match(child.output, 'the app is closed')
})

t.test('a client that ends its input after the last request gets all answers', async (t) => {
  const child = new Child(t, node, args)
  child.process.stdin?.end(post('[1]') + post('[1,2]') + post('[1,2,3]'))
  t.match(await child.ended, { status: 0 })
  t.same([...child.output.matchAll(/\{"length":(\d)\}/g)].map(([, length]) => length), ['3', '5', '7'])
})

t.test('the app reads its request from one file and writes the answer to another', async (t) => {
  const folder = makeTestFolder(t, { request: post('[1]') + head('/large') })
  await writeFile(join(folder, 'answer'), '')
  const child = new Child(t, 'sh', ['-c', 'exec "$@" < request > answer', 'sh', node, ...args], { cwd: folder })
  t.match(await child.ended, { status: 0 })
  const answer = await readFile(join(folder, 'answer'), 'latin1')
  t.match(answer, '{"length":3}')
  t.equal(answer.length - answer.lastIndexOf('\r\n\r\n') - 4, 10_000_000)
})

t.test('without any request, the process exits at the end of its input', async (t) => {
  const child = new Child(t, node, args)
  child.process.stdin?.end()
  t.match(await child.ended, { status: 0 })
  t.notMatch(child.output, 'HTTP/1.1')
})

t.test('input that is not HTTP gets a 400, and the connection ends', async (t) => {
  for (const garbage of ['garbage\r\n\r\n', 'GET / HT']) {
    const child = new Child(t, node, args)
    child.process.stdin?.end(garbage)
    t.match(await child.ended, { status: 0 }, garbage)
    t.match(child.output, 'HTTP/1.1 400 Bad Request')
  }
})
