import t from 'tap'
import { startProgram } from '../support/children.js'
import { tryEach } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

t.test('standard input and output are one connection of one endpoint', async (t) => {
  if (!hasProgram(t, 'python')) return
  t.match(await tryEach(t, [], ['stdio', 'stdio', 'fd:0']), [
    { listening: 'stdio' },
    { code: 'FST_ENDPOINT_DESCRIPTOR_TAKEN', endpoint: 'stdio' },
    { code: 'FST_ENDPOINT_DESCRIPTOR_INVALID', endpoint: 'fd:0' }
  ])
})

t.test('the workers of a cluster share one standard input, so none of them may use it', async (t) => {
  const cluster = startProgram(t, 'cluster', ['stdio'])
  t.ok(await cluster.prints(/"stdio" cannot be opened: the workers of a cluster share one standard input/))
})
