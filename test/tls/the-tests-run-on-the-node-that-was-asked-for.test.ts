import t from 'tap'

t.test('the tests run on the Node.js that was asked for', async (t) => {
  t.comment(`on ${process.version}`)
  t.equal(process.version, process.env['NODE_UNDER_TEST'] ?? process.version)
})
