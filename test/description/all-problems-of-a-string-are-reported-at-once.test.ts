import t from 'tap'
import { refusal, type Refusal } from './refusal.js'

function allOf (text: string): Array<[code: string, argument: string | undefined, index: number | undefined]> {
  const first = refusal(text) as Refusal & { errors?: readonly Refusal[] }
  return [first, ...first.errors ?? []].map(({ code, argument, index }) => [code.replace('FST_ENDPOINT_', ''), argument, index])
}

t.test('all problems with the arguments of a string are reported at once, the first as the error itself', (t) => {
  t.same(allOf('tls:x:privateKy=k:revokeFile=r:mode=1:verify=no'), [
    ['UNKNOWN_ARGUMENT', 'privateKy', 6],
    ['UNKNOWN_ARGUMENT', 'revokeFile', 18],
    ['UNKNOWN_ARGUMENT', 'mode', 31],
    ['INVALID_ARGUMENT', 'port', 4],
    ['INVALID_ARGUMENT', 'verify', 45]
  ])
  t.same(allOf('tcp:x:backlog=y'), [['INVALID_ARGUMENT', 'port', 4], ['INVALID_ARGUMENT', 'backlog', 14]])
  t.end()
})

t.test('arguments without effect are reported together with wrong values', (t) => {
  t.same(allOf('tls:1:privateKey=k:revokedFile=r:verify=no:transport=fd\\:3'), [
    ['CONFLICTING_ARGUMENTS', 'revokedFile', 19],
    ['CONFLICTING_ARGUMENTS', 'verify', 33],
    ['CONFLICTING_ARGUMENTS', 'port', 4],
    ['INVALID_ARGUMENT', 'verify', 40]
  ])
  t.end()
})

t.test('one mistake is one problem', (t) => {
  t.same(allOf('tls:8443:privateKy=k'), [['UNKNOWN_ARGUMENT', 'privateKy', 9]], 'a misspelt argument is not missing too')
  t.same(allOf('tcp:80::50:60:70'), [['TOO_MANY_ARGUMENTS', undefined, 11]], 'the first positional argument beyond the last position is reported')
  t.notOk('errors' in refusal('tcp:x'), 'a string with one problem has no list of others')
  t.end()
})

t.test('only ten problems are reported for a string with thousands of mistakes', (t) => {
  t.equal(allOf(`tcp:80${':zzz=1'.repeat(5000)}`).length, 10)
  t.end()
})
