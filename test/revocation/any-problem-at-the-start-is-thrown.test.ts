import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RevocationWatcher, type WatcherOptions } from '../../lib/revocation/watch.js'
import { createAuthority } from '../support/pki.js'
import { errorOf, type CodedError } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRightsOn } from '../support/without-rights.js'

const alice = await (await createAuthority()).issue({ name: 'alice' })

async function startError (folder: string, options: Partial<WatcherOptions> = {}): Promise<CodedError> {
  return await errorOf(() => RevocationWatcher.start({ file: join(folder, 'revoked.txt'), ...options }))
}

t.test('a start fails if the list is missing', async (t) => {
  const folder = makeTestFolder(t)
  const file = join(folder, 'revoked.txt')
  t.match(await startError(folder), {
    code: 'FST_ENDPOINT_FILE_UNREADABLE', message: `revocation list "${file}" cannot be read: there is no such file`, file
  })
})

t.test('a start fails if the path of the list is invalid', async (t) => {
  t.match(await errorOf(() => RevocationWatcher.start({ file: 'a\0b' })), { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /its path holds a NUL character$/ })
})

t.test('a start fails if the list is a directory', async (t) => {
  t.match(await startError(makeTestFolder(t, { 'revoked.txt': {} })), { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: /is a directory/ })
})

t.test('a start fails if the list has no read permission', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '' })
  await withoutRightsOn([join(folder, 'revoked.txt')], async () => {
    t.match(await startError(folder), { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /permission denied/ })
  })
})

t.test('a start fails if the list is larger than its limit', async (t) => {
  t.match(await startError(makeTestFolder(t, { 'revoked.txt': '# ten bytes' }), { limits: { listBytes: 10 } }), {
    code: 'FST_ENDPOINT_FILE_TOO_LARGE', message: /is larger than the limit of 10 bytes: name the right file, or raise limits\.listBytes$/
  })
})

t.test('a start fails if the list is not UTF-8', async (t) => {
  const folder = makeTestFolder(t)
  writeFileSync(join(folder, 'revoked.txt'), Buffer.of(0x61, 0xff))
  t.match(await startError(folder), { code: 'FST_ENDPOINT_LIST_ENCODING', line: 1 })
})

const lines: Array<[name: string, line: string, expected: object]> = [
  ['a broken pattern', '[a', { code: 'FST_ENDPOINT_LIST_PATTERN', line: 2 }],
  ['an unknown word', 'crl:a.pem', { code: 'FST_ENDPOINT_LIST_UNKNOWN_WORD', line: 2 }],
  ['a broken key', 'tbs:x', { code: 'FST_ENDPOINT_LIST_SYNTAX', line: 2 }],
  ['a missing file', 'missing.pem', { code: 'FST_ENDPOINT_LIST_MISSING', line: 2 }],
  ['a missing folder', 'missing/*.pem', { code: 'FST_ENDPOINT_LIST_MISSING', line: 2 }],
  ['a folder', 'folder', { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', line: 2 }],
  ['garbage', 'garbage.pem', { code: 'FST_ENDPOINT_FILE_INVALID', message: /^"\S+garbage\.pem" \(revocation list "\S+revoked\.txt" line 2\): it holds no certificate/ }],
  ['a private key only', 'key.pem', { code: 'FST_ENDPOINT_FILE_INVALID', message: /it holds only a private key: give a certificate or a CRL$/ }],
  ['an empty file', 'empty.pem', { code: 'FST_ENDPOINT_FILE_EMPTY' }],
  ['a FIFO', 'fifo', { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: /is a FIFO/ }],
  ['a FIFO that a wildcard matches', 'fif*', { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: /is a FIFO/ }],
  ['a link to a device', 'dev*', { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: /is a device/ }],
  ['a link to nothing', 'dang*', { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /it is a symbolic link that leads nowhere$/ }],
  ['a broken CRL', 'crl.pem', { code: 'FST_ENDPOINT_FILE_INVALID', message: /line 1: A certificate or CRL is not valid DER/ }],
  ['a PEM file in place of the list', alice.certificate.split('\n')[0] ?? '', { code: 'FST_ENDPOINT_LIST_SYNTAX', message: /this is PEM/ }]
]

for (const [name, line, expected] of lines) {
  t.test(`a start fails if a line names ${name}`, async (t) => {
    const folder = makeTestFolder(t, {
      'revoked.txt': `# comment\n${line}\n`,
      folder: {},
      'garbage.pem': 'garbage',
      'key.pem': alice.key,
      'empty.pem': '',
      'crl.pem': '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n'
    })
    execFileSync('mkfifo', [join(folder, 'fifo')])
    symlinkSync('/dev/null', join(folder, 'device'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    t.match(await startError(folder), expected)
  })
}

t.test('a start fails if a file has no read permission', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate })
  await withoutRightsOn([join(folder, 'a.pem')], async () => {
    t.match(await startError(folder), { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /permission denied \(EACCES\)$/, file: join(folder, 'a.pem') })
  })
})

t.test('a start fails if a folder has no read permission', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'certs/*.pem', certs: {} })
  await withoutRightsOn([join(folder, 'certs')], async () => {
    t.match(await startError(folder), { code: 'FST_ENDPOINT_LIST_UNREADABLE', line: 1 })
  })
})

t.test('a start fails if a file is larger than its limit', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate })
  t.match(await startError(folder, { limits: { fileBytes: 10 } }), { code: 'FST_ENDPOINT_FILE_TOO_LARGE', message: /or raise limits\.fileBytes$/ })
})

t.test('a start fails if a pattern matches more files than the limit', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate, 'b.pem': alice.certificate })
  t.match(await startError(folder, { limits: { files: 1 } }), { code: 'FST_ENDPOINT_LIST_TOO_MANY_FILES', message: /limits\.files/ })
})

t.test('a start fails if there are more entries than the limit', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate.repeat(3) })
  t.match(await startError(folder, { limits: { entries: 3 } }), { code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES', message: /limits\.entries allows \(3\)/, file: join(folder, 'revoked.txt') })
})

t.test('all problems are reported: the first error carries the others', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '[\nmissing.pem\n*.pem\n', 'a.pem': 'x', 'b.pem': '', 'c.pem': alice.certificate })
  const error = await startError(folder)
  t.equal(error.code, 'FST_ENDPOINT_LIST_PATTERN')
  t.same(error.errors?.map(({ code }) => code), ['FST_ENDPOINT_LIST_MISSING', 'FST_ENDPOINT_FILE_INVALID', 'FST_ENDPOINT_FILE_EMPTY'])
})

t.test('a mistyped path that leads to a private key does not reveal the key', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': alice.key })
  const error = await startError(folder)
  const secret = alice.key.split('\n')[1] ?? ''
  for (const each of [error, ...error.errors ?? []]) {
    t.notOk(`${each.message}${each.stack}${String(each.cause)}`.includes(secret))
  }
})

t.test('an empty list is not a problem', async (t) => {
  const watcher = await RevocationWatcher.start({ file: join(makeTestFolder(t, { 'revoked.txt': '' }), 'revoked.txt') })
  t.equal(watcher.set.size, 0)
  watcher.close()
})
