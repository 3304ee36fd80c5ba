import { readFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/description/index.js'

t.test('a backslash is put before every backslash, colon and equals sign, and nowhere else', (t) => {
  t.equal(quoteEndpointArgument('C:\\run\\a=b.sock'), 'C\\:\\\\run\\\\a\\=b.sock')
  t.equal(quoteEndpointArgument(''), '')
  t.equal(quoteEndpointArgument('é "[*]" \n\0'), 'é "[*]" \n\0')
  t.end()
})

t.test('it differs from Twisted only in the equals sign', async (t) => {
  const vectors = JSON.parse(await readFile(new URL('endpoint-strings.json', import.meta.url), 'utf8'))
  const recorded: Array<{ input: string, quoted: string }> = vectors.quoteStringArgument
  for (const { input, quoted } of recorded) {
    t.equal(quoteEndpointArgument(input), quoted.replaceAll('=', '\\='), JSON.stringify(input))
  }
})
