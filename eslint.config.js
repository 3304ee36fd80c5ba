import neostandard from 'neostandard'

/** If a test file calls `teardown` of tap's root test, tap ends that test as soon as nothing runs, and drops all later tests without a word. */
const noTeardownOfRoot = {
  create: (context) => ({
    ImportDefaultSpecifier (node) {
      if (node.parent.source.value !== 'tap') return
      for (const { references } of context.sourceCode.getDeclaredVariables(node)) {
        for (const { identifier: { parent } } of references) {
          if (parent.type !== 'MemberExpression' || !['teardown', 'after'].includes(parent.property.name)) continue
          context.report({ node: parent, message: 'Take the t of a test: what its teardown does is done when that test is over.' })
        }
      }
    }
  })
}

export default [
  ...neostandard({ ts: true, ignores: ['dist', 'api', '.tap', 'node_modules', 'examples/*/pki', 'test/package/consumers'] }),
  {
    files: ['lib/**/*.ts', 'types/**/*.ts'],
    ignores: ['types/**/*.tst.ts'],
    // Strings, templates and comments can be continued in the next line.
    rules: { 'max-len': ['error', { code: 140, ignoreRegExpLiterals: true }] }
  },
  {
    files: ['test/**/*.ts'],
    plugins: { tests: { rules: { 'no-teardown-of-root': noTeardownOfRoot } } },
    rules: {
      'tests/no-teardown-of-root': 'error',
      'no-restricted-properties': ['error', { property: 'testdir', message: 'Use makeTestFolder: its folder outlasts what the test ends.' }]
    }
  }
]
