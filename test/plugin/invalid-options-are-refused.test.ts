import t from 'tap'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointOptions } from '../../lib/index.js'

for (const [title, options, message] of [
  ['an endpoint that is not a string', { endpoint: 5 }, /option endpoint of the plugin must be an endpoint string, or a list of them/],
  ['a list of endpoints with something else in it', { endpoint: ['tcp:0', null] }, /option endpoint/],
  ['a fallback that is not a string', { fallback: {}, env: 'NOT_SET_ANYWHERE' }, /option fallback/],
  ['a limit that is not a number', { endpoint: 'tcp:0', limits: { files: NaN } }, /option limits\.files of the plugin must be a positive integer/],
  ['a negative limit', { endpoint: 'tcp:0', limits: { entries: -1 } }, /option limits\.entries/],
  ['a removalDelay that is not a number', { endpoint: 'tcp:0', removalDelay: '2s' }, /option removalDelay of the plugin must be an integer from 0 to 86400000, in milliseconds/],
  ['an infinite removalDelay', { endpoint: 'tcp:0', removalDelay: Infinity }, /option removalDelay/],
  ['a negative removalDelay', { endpoint: 'tcp:0', removalDelay: -1 }, /option removalDelay/]
] as const) {
  t.test(`${title} is refused`, async (t) => {
    const app = Fastify({ serverFactory })
    t.teardown(() => app.close())
    await t.rejects(async () => { await app.register(endpoint, options as unknown as EndpointOptions) }, { code: 'FST_ENDPOINT_INVALID_OPTION', message })
  })
}
