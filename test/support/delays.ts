import type { Test } from 'tap'

/** The milliseconds of each call of setTimeout, from now until the test is over. */
export function recordDelays (t: Test): number[] {
  const delays: number[] = []
  const { setTimeout } = globalThis
  globalThis.setTimeout = Object.assign((call: (...values: any[]) => void, delay = 0, ...values: any[]) => {
    delays.push(delay)
    return setTimeout(call, delay, ...values)
  }, { __promisify__: setTimeout.__promisify__ })
  t.teardown(() => { globalThis.setTimeout = setTimeout })
  return delays
}
