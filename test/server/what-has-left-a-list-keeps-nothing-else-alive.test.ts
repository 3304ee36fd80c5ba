import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { LinkedList, type Link } from '../../lib/engine/linked-list.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void

const COUNT = 2000
const BYTES = 8000
/** Between two collections, which is longer than a member stays. */
const PAUSE = 32

t.test('members that come and go are collected with the young objects, though one of the first has become old', async (t) => {
  const list = new LinkedList<unknown[]>()
  const links: Array<Link<unknown[]>> = []
  const add = (): void => { links.push(list.add(new Array(BYTES / 8).fill(0))) }
  for (let count = 0; count < 4; count++) add()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let count = 1; count <= COUNT; count++) {
    add()
    list.remove(links.shift() as Link<unknown[]>)
    if (count % PAUSE === 0) collect({ type: 'minor' })
  }
  const bytes = (process.memoryUsage().heapUsed - before) / COUNT
  t.ok(bytes < BYTES / 4, `${Math.round(bytes)} bytes stay of ${BYTES}`)
})

t.test('a walk meets the members in order, without those that leave before their turn and those that come later', async (t) => {
  const list = new LinkedList<string>()
  const [a, b, c] = ['a', 'b', 'c'].map((member) => list.add(member)) as [Link<string>, Link<string>, Link<string>]
  list.add('d')
  list.remove(b)
  const met: string[] = []
  for (const member of list) {
    met.push(member)
    list.remove(a)
    list.remove(c)
    list.add('e')
  }
  t.same(met, ['a', 'd'])
  t.same([...list], ['d', 'e', 'e'])
  list.remove(a)
  t.equal(list.size, 3)
  t.equal(list.first?.member, 'd')
})
