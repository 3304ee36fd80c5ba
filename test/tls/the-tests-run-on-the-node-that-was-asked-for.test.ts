import t from 'tap'

t.test('the tests run on the requested version of Node.js', async (t) => {
  t.comment(`on ${process.version}`)
  t.equal(process.version, process.env['NODE_UNDER_TEST'] ?? process.version)
})
