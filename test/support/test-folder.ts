import root, { type Test } from 'tap'

type Content = NonNullable<Parameters<Test['testdir']>[0]>

/**
 * A folder of the test, with this content. It is removed after everything that the test ends by itself, such as an app that still
 * writes: tap would remove a folder that is made before the first teardown before all of them.
 */
export function makeTestFolder (t: Pick<Test, 'teardown' | 'testdir'>, content: Content = {}): string {
  // A teardown of the root test would end it.
  if (t !== root) t.teardown(() => {})
  // eslint-disable-next-line no-restricted-properties
  return t.testdir(content)
}
