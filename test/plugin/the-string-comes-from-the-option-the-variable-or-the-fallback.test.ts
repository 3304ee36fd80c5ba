import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory, type EndpointOptions } from '../../lib/index.js'

const FIRST = 'tcp:0:interface=127.0.0.1'
const SECOND = 'tcp:0:interface=127.0.0.1:backlog=2'
const THIRD = 'tcp:0:interface=127.0.0.1:backlog=3'

function setVariable (t: Test, name: string, value: string): void {
  process.env[name] = value
  t.teardown(() => { delete process.env[name] })
}

/** The strings of an app that was given these options. */
async function stringsOf (t: Test, options: EndpointOptions): Promise<string[]> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, options)
  return app.endpoint.listeners.map(({ description }) => description)
}

t.test('the option comes first, then the variable, then the fallback', async (t) => {
  t.same(await stringsOf(t, { fallback: THIRD }), [THIRD])
  t.same(await stringsOf(t, { fallback: [THIRD, FIRST] }), [THIRD, FIRST])
  setVariable(t, 'ENDPOINT', SECOND)
  t.same(await stringsOf(t, {}), [SECOND])
  t.same(await stringsOf(t, { fallback: THIRD }), [SECOND])
  t.same(await stringsOf(t, { endpoint: FIRST, fallback: THIRD }), [FIRST])
  t.same(await stringsOf(t, { endpoint: [FIRST, THIRD] }), [FIRST, THIRD])
})

t.test('the variable can hold one string per line', async (t) => {
  setVariable(t, 'ENDPOINT', `\n${FIRST}\r\n\n  \n${SECOND}\n`)
  t.same(await stringsOf(t, { fallback: THIRD }), [FIRST, SECOND])
})

t.test('the variable can hold a JSON array, for files whose values have no line breaks', async (t) => {
  setVariable(t, 'ENDPOINT', ` ["${FIRST}",\n"${SECOND}"] `)
  t.same(await stringsOf(t, { fallback: THIRD }), [FIRST, SECOND])
  setVariable(t, 'ENDPOINT', '["tcp6:0:interface=\\\\:\\\\:1"]')
  t.same(await stringsOf(t, {}), ['tcp6:0:interface=\\:\\:1'])
})

t.test('an invalid array is an error that says how to write one', async (t) => {
  for (const [value, problem] of [
    ['["tcp:0"', /it is not valid JSON \(/],
    ['["tcp6:0:interface=\\:\\:1"]', /it is not valid JSON \(.*with each backslash doubled/],
    ['[]', /it is not an array of endpoint strings, or is empty/],
    ['["tcp:0", 1]', /is not an array/],
    ['[["tcp:0"]]', /is not an array/],
    ['["tcp:0", " "]', /is not an array/]
  ] as const) {
    setVariable(t, 'MY_ENDPOINT', value)
    await t.rejects(stringsOf(t, { env: 'MY_ENDPOINT', fallback: THIRD }), { code: 'FST_ENDPOINT_ARRAY', message: problem }, value)
  }
  await t.rejects(stringsOf(t, { env: 'MY_ENDPOINT' }), { message: /^MY_ENDPOINT starts with \[, as a JSON array of endpoint strings does, but .*\. Write \["tcp:3000", "tcp6:3000:ipv6Only=1"\]/ })
})

t.test('an empty variable counts as unset', async (t) => {
  setVariable(t, 'ENDPOINT', ' \n')
  t.same(await stringsOf(t, { fallback: THIRD }), [THIRD])
})

t.test('two apps in one process can use different variables', async (t) => {
  setVariable(t, 'PUBLIC_ENDPOINT', FIRST)
  setVariable(t, 'ADMIN_ENDPOINT', SECOND)
  t.same(await Promise.all([stringsOf(t, { env: 'PUBLIC_ENDPOINT' }), stringsOf(t, { env: 'ADMIN_ENDPOINT' })]), [[FIRST], [SECOND]])
})

t.test('if there is no string, the error says which variable to set and what can damage it', async (t) => {
  for (const options of [{}, { endpoint: [] }, { fallback: [] }]) {
    await t.rejects(stringsOf(t, options), {
      code: 'FST_ENDPOINT_MISSING',
      message: /set the environment variable ENDPOINT, for example ENDPOINT=tcp:.*check its quoting: systemd ignores .*\(write \\\\:\), and an unquoted # ends a value in a \.env file/
    })
  }
  await t.rejects(stringsOf(t, { env: 'MY_ENDPOINT' }), { message: /variable MY_ENDPOINT, for example MY_ENDPOINT=tcp:/ })
})
