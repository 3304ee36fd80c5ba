import t from 'tap'
import { withProgress } from '../../lib/cli/progress.js'

t.test('on a terminal, a slow command shows that it is working and clears the message when it ends', async (t) => {
  const written: string[] = []
  let said = (): void => {}
  const isSaid = new Promise<void>((resolve) => { said = resolve })
  const output = {
    isTTY: true,
    write (text: string) {
      written.push(text)
      said()
    }
  }
  t.equal(await withProgress(output, 'reading', async () => {
    await isSaid
    return 7
  }), 7)
  t.match(written[0], /^\rreading … [01] s$/)
  t.equal(written.at(-1), '\r\u001b[2K')
})

t.test('a quick command shows nothing, nor does any command without a terminal', async (t) => {
  const write = (): void => { t.fail('something was written') }
  t.equal(await withProgress({ isTTY: true, write }, 'reading', async () => 7), 7)
  await t.rejects(withProgress({ isTTY: true, write }, 'reading', async () => { throw new Error('no') }), { message: 'no' })
  t.equal(await withProgress({ write }, 'reading', async () => 7), 7)
})
