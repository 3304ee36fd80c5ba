/** `fastify-endpoint check`: what an app would do with a string, and what is wrong with it. */
import type { CheckReport } from '../../types/command-line.js'
import {
  type Call, type Command, COMMON, ENVIRONMENT, type ExitStatus, print, stringsOfEnvironment, styleOf, UsageError,
  valueOf
} from './command.js'
import { describe } from './check-text.js'
import { withProgress } from './progress.js'
import { describeEndpoint, Earlier } from './report/endpoint.js'
import { printableJson } from '../text/printable.js'

export const check: Command = {
  options: { ...COMMON, ...ENVIRONMENT, json: { type: 'boolean' }, strict: { type: 'boolean' }, online: { type: 'boolean' } },

  async run (call: Call): Promise<ExitStatus> {
    const { values, positionals, stderr, now = Date.now } = call
    const strings = positionals.length > 0 ? positionals : await stringsOfEnvironment(call)
    if (strings.length === 0) throw new UsageError(`no endpoint string to check: give one, or set ${valueOf(call, 'env') ?? 'ENDPOINT'}`)
    const style = styleOf(call)
    const endpoints: Array<CheckReport['endpoints'][number]> = []
    const earlier = new Earlier(strings, values['online'] === true)
    for (const text of strings) {
      const endpoint = await withProgress(stderr, 'reading what the string names', () => describeEndpoint(text, now(), earlier))
      endpoints.push(endpoint)
      if (values['json'] !== true) for (const line of describe(endpoint, style)) print(call, line)
    }
    const report: CheckReport = { version: 1, ok: endpoints.every(({ ok }) => ok), endpoints }
    if (values['json'] === true) print(call, printableJson(report))
    const isWarned = values['strict'] === true && endpoints.some(({ warnings }) => warnings.length > 0)
    return report.ok && !isWarned ? 0 : 1
  }
}
