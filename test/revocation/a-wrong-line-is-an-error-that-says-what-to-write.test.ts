import t from 'tap'
import { parseList } from '../../lib/revocation/list/list-file.js'

const BASE64 = Buffer.alloc(32, 0xfe).toString('base64')
const HASH = `sha256//${BASE64}`

const FORM = 'the base64 of 32 bytes with its = at the end, and nothing after it'
const TBS = `write tbs:sha256//<base64>, ${FORM}`
const SERIAL = 'write serial:<hexadecimal>@sha256//<base64>'
const UNKNOWN = 'the word before the colon is neither tbs, serial or spki, nor the word of a source. If the line is a path with a colon, write ./ before it (./word:...)'

const syntax: Array<[line: string, problem: string]> = [
  ['tbs:', TBS],
  [`tbs:${BASE64}`, TBS],
  [`tbs:sha1//${BASE64}`, TBS],
  [`tbs:${HASH} # stolen`, TBS],
  [`tbs:${HASH}tbs:${HASH}`, TBS],
  [`tbs:${HASH.slice(0, -1)}`, TBS],
  [`tbs:sha256//${Buffer.alloc(31).toString('base64')}`, TBS],
  [`tbs:sha256//${Buffer.alloc(33).toString('base64')}`, TBS],
  [`tbs:${HASH.replace(/4=$/, '5=')}`, TBS],
  [`tbs: ${HASH}`, TBS],
  [`spki:${BASE64}`, `write spki:sha256//<base64>, ${FORM}`],
  ['serial:01', `${SERIAL}, with the hash of the issuer's name in DER`],
  [`serial:@${HASH}`, `${SERIAL}, with the hash of the issuer's name in DER`],
  [`serial:0x01@${HASH}`, `${SERIAL}, with the hash of the issuer's name in DER`],
  [`serial:01:@${HASH}`, `${SERIAL}, with the hash of the issuer's name in DER`],
  ['serial:01@sha256//AAAA', `${SERIAL}, ${FORM}`],
  ['-----BEGIN CERTIFICATE-----', 'this is PEM, but a list contains patterns of files: write the path of the PEM file'],
  ['x'.repeat(8193), 'the line is longer than 8192 characters']
]

for (const [line, problem] of syntax) {
  t.test(`a line with wrong syntax is reported: ${line.slice(0, 40)}`, async (t) => {
    const { entries, problems } = parseList(Buffer.from(`good.pem\n${line}\n`), 'the list', { file: 'list.txt' })
    t.match(problems, [{ code: 'FST_ENDPOINT_LIST_SYNTAX', message: `the list line 2: ${problem}`, file: 'list.txt', line: 2 }])
    t.equal(entries.length, 1, 'the good line counts')
  })
}

for (const line of ['sha256:x', 'crl:a.pem', 'C:\\certs', 'http://example.org/a.pem', 'a.b+c-d:x']) {
  t.test(`an unknown word is reported: ${line}`, async (t) => {
    const { problems } = parseList(Buffer.from(line), 'the list', { file: 'list.txt' })
    t.match(problems, [{ code: 'FST_ENDPOINT_LIST_UNKNOWN_WORD', file: 'list.txt', line: 1 }])
    t.equal(problems[0]?.message, `the list line 1: ${UNKNOWN}`)
  })
}

for (const line of ['uri:spiffe://example.org/a', 'dns:a.example.org', 'email:a@example.org', 'ip:192.0.2.1', 'cn:alice']) {
  t.test(`a rule of an allowed list gets advice: ${line}`, async (t) => {
    t.match(parseList(Buffer.from(line), 'the list').problems, [{
      code: 'FST_ENDPOINT_LIST_UNKNOWN_WORD',
      message: 'the list line 1: this is a rule of an allowed list, which lets clients in: name its file with allowedFile, and another one with revokedFile'
    }])
  })
}

for (const [line, meant] of [['TBS:x', 'tbs'], ['seriel:12', 'serial'], ['htps://example.org/a.crl', 'https']] as const) {
  t.test(`a misspelled word gets a suggestion: ${line}`, async (t) => {
    t.equal(parseList(Buffer.from(line), 'the list', {}, new Set(['http', 'https'])).problems[0]?.message, `the list line 1: ${UNKNOWN}; did you mean ${meant}:?`)
  })
}

t.test('each wrong line is reported', async (t) => {
  t.match(parseList(Buffer.from('[\ntbs:\nword:\n'), 'the list').problems.map(({ message }) => message), [/line 1/, /line 2/, /line 3/])
})

t.test('the content of a wrong line is not reported, since it may be a misplaced private key', async (t) => {
  const { problems } = parseList(Buffer.from('[SECRET\nSECRET:x\ntbs:SECRET\nserial:SECRET\n-----SECRET'), 'the list')
  t.equal(problems.length, 5)
  for (const { message, cause } of problems) t.notMatch(`${message} ${cause}`, /SECRET/)
})
