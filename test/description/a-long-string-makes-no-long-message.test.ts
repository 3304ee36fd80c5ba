import t from 'tap'
import { refusal } from './refusal.js'

const long = 'a'.repeat(1_000_000)

t.test('a long string does not make a long message', (t) => {
  for (const text of [
    long, `${long}=1`, `tcp:80:${long}=1`, `tcp:${long}`, `tcp:80:interface=[${long}`, `unix:/${long}`, `tcp:80:::${long}`,
    `ssl:443:sslmethod=${long}`, `haproxy:tcp:80:proxyFrom=${long}`, `tls:privateKey=k:transport=${long}`,
    `tls:privateKey=k:transport=fd\\:${long}`, `tcp:80:interface=${long}:1`, `tcp:80:${long}=1:${long}=2`, `${long}\\`
  ]) {
    const { message } = refusal(text)
    t.ok(message.length < 1000, `${text.slice(0, 40)}…: ${message}`)
  }
  t.end()
})

t.test('the message for a long string shows only the part around the mistake', (t) => {
  const text = `tls:8443:privateKey=${'k'.repeat(200)}:revokeFile=list:certKey=${'c'.repeat(200)}`
  t.match(refusal(text).message, /\(character 222 of …"k{59}:revokeFile=list:certKey=c{76}"…\)$/)
  const end = refusal(`ssl:443:privateKey=/${'x'.repeat(300)}:backlog=-`)
  t.match(end.message, /of …"x{150}:backlog=-"\)$/)
  t.end()
})

t.test('a pair of surrogates is never cut in two', (t) => {
  for (const shift of ['', '-']) {
    const { message } = refusal(`tcp:80:${shift}${'😀'.repeat(500)}=1`)
    t.notMatch(message, /D83D|DE00/)
    t.match(message, /😀/)
    t.notMatch(refusal(`unix:${shift}${'😀'.repeat(20)}:mode=8:lockfile=${'😀'.repeat(100)}`).message, /D83D|DE00/)
  }
  t.match(refusal(`unix:${'😀'.repeat(300)}\uD83D`).message, /^unix: address must not contain "<U\+D83D>": .* of …"[😀]+<U\+D83D>"\)$/u)
  t.end()
})

t.test('a message spells out characters that are invisible or move the cursor', (t) => {
  t.match(refusal('tcp:8\n0').message, /not "8<U\+000A>0"/)
  t.match(refusal('tcp:\u202E08').message, /not "<U\+202E>08"/)
  t.match(refusal('\uFEFFtcp:80').message, /There is no type "<U\+FEFF>tcp"/)
  t.match(refusal('tcp:80:a\u0000\u009B\u2028=x').message, /"a<U\+0000><U\+009B><U\+2028>"/)
  t.end()
})
