import { writeFile } from 'node:fs/promises'
import t from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { readPemBlocks } from '../../lib/x509/pem.js'
import { runMain } from '../support/command-line.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'

const { certificate } = await createAuthority()
const BODY = certificate.split('\n').slice(1, -2).join('\n')
const LINES = BODY.split('\n').length

/** The certificate between other boundaries. */
function between (begin: string, end: string): string {
  return `${begin}\n${BODY}\n${end}\n`
}

function read (bytes: Buffer): unknown {
  try {
    return readPemBlocks(bytes, 'a file').length
  } catch (thrown) {
    return (thrown as Error).message
  }
}

const CAPITALS = 'write BEGIN and END in capitals, with five hyphens and nothing else on the line: -----BEGIN CERTIFICATE-----'

const boundaries: Array<[what: string, begin: string, end: string, problem?: string]> = [
  ['small letters', '-----begin certificate-----', '-----end certificate-----'],
  ['small letters, indented', '  -----begin certificate-----', '  -----end certificate-----'],
  ['some capitals', '-----BeGIN CERTIFICATE-----', '-----EnD CERTIFICATE-----'],
  ['capitals as in a heading', '-----Begin Certificate-----', '-----End Certificate-----'],
  ['a byte order mark before small letters', '\ufeff-----begin certificate-----', '-----end certificate-----'],
  ['four hyphens', '----BEGIN CERTIFICATE----', '----END CERTIFICATE----'],
  ['four hyphens and a tab', '\t----BEGIN CERTIFICATE----', '----END CERTIFICATE----'],
  ['one hyphen', '-BEGIN CERTIFICATE-', '-END CERTIFICATE-'],
  ['no hyphens at the end', '---BEGIN CERTIFICATE', '---END CERTIFICATE'],
  ['blanks after the hyphens', '----- BEGIN CERTIFICATE -----', '----- END CERTIFICATE -----'],
  ['no-break spaces', '\u00a0-----\u00a0BEGIN CERTIFICATE-----', '-----\u00a0END CERTIFICATE-----'],
  ['an invisible blank', '-----\u200bBEGIN CERTIFICATE-----', '-----\u200bEND CERTIFICATE-----'],
  ['blanks between the hyphens', '- - - - - BEGIN CERTIFICATE - - - - -', '- - - - - END CERTIFICATE - - - - -'],
  ['dashes', '–––––BEGIN CERTIFICATE–––––', '–––––END CERTIFICATE–––––'],
  ['two long dashes', '——-BEGIN CERTIFICATE——-', '——-END CERTIFICATE——-'],
  ['minus signs', '\u2212\u2212\u2212\u2212\u2212BEGIN CERTIFICATE', '\u2212\u2212\u2212\u2212\u2212END CERTIFICATE'],
  ['no blank', '----BEGINCERTIFICATE----', '----ENDCERTIFICATE----'],
  ['six hyphens', '------BEGIN CERTIFICATE------', '------END CERTIFICATE------', 'write five hyphens before BEGIN, and no more'],
  ['six hyphens at the end', '-----BEGIN CERTIFICATE------', '-----END CERTIFICATE------', 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['a blank after the label', '-----BEGIN CERTIFICATE -----', '-----END CERTIFICATE -----', 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['a no-break space in the label', '-----BEGIN\u00a0CERTIFICATE-----', '-----END\u00a0CERTIFICATE-----', 'its BEGIN line is not -----BEGIN <label>-----, and nothing else'],
  ['an unknown label', '-----begin something-----', '-----end something-----', CAPITALS.replace('BEGIN CERTIFICATE', 'BEGIN <label>')]
]

for (const [what, begin, end, problem = CAPITALS] of boundaries) {
  t.test(`boundaries with ${what} are an error`, async (t) => {
    for (const lineBreak of ['\n', '\r\n', '\r']) {
      const bytes = (text: string): Buffer => Buffer.from(text.replaceAll('\n', lineBreak))
      t.equal(read(bytes(between(begin, end))), `a file: line 1: ${problem}`)
      t.equal(read(bytes(`${certificate}text\n${certificate}\n${between(begin, end)}${certificate}`)), `a file: line ${2 * (LINES + 2) + 3}: ${problem}`, 'after good blocks and a comment')
    }
  })
}

const OUTSIDE = 'base64 outside of any block: put it between -----BEGIN <label>----- and -----END <label>-----'

for (const [what, begin, end] of [
  ['other words', '-----BEGN CERTIFICATE-----', '-----EDN CERTIFICATE-----'],
  ['letters of another script', '-----BЕGIN CERTIFICATE-----', '-----ЕND CERTIFICATE-----'],
  ['other signs', '=====BEGIN CERTIFICATE=====', '=====END CERTIFICATE====='],
  ['text before', 'CA: ----BEGIN CERTIFICATE----', 'CA: ----END CERTIFICATE----'],
  ['a comment', '# the authority of the office', ''],
  ['nothing', '', '']
] as const) {
  t.test(`base64 between ${what} is an error`, async (t) => {
    for (const lineBreak of ['\n', '\r\n', '\r']) {
      t.equal(read(Buffer.from(`${certificate}${between(begin, end)}`.replaceAll('\n', lineBreak))), `a file: line ${LINES + 4}: ${OUTSIDE}`)
    }
  })
}

t.test('base64 alone is an error, also after a byte order mark and in one line', async (t) => {
  t.equal(read(Buffer.from(BODY)), `a file: line 1: ${OUTSIDE}`)
  t.equal(read(Buffer.from(`\ufeff  ${BODY.replaceAll('\n', '')}`)), `a file: line 1: ${OUTSIDE}`)
})

t.test('text with two bytes per letter is named as such, however its boundaries are written', async (t) => {
  for (const text of [certificate, between('-----begin certificate-----', '-----end certificate-----'), BODY]) {
    const wide = Buffer.from(`\ufeff${text}`, 'utf16le')
    for (const bytes of [wide, Buffer.from(wide).swap16(), wide.subarray(2), Buffer.from(wide.subarray(2)).swap16()]) {
      t.equal(read(bytes), 'a file: it is UTF-16 text: save it as UTF-8')
    }
  }
})

t.test('a misspelt block is found deep in a long file, also at the edges of the pieces that are read', async (t) => {
  const begin = '----BEGIN CERTIFICATE----'
  for (const length of [0, 1, 20, 60, 120].map((less) => 1024 * 1024 - less)) {
    t.match(read(Buffer.from(`${'x\n'.repeat(length / 2)}${between(begin, '')}`)), CAPITALS)
    t.match(read(Buffer.from(`${'x\n'.repeat(length / 2)}${BODY}`)), OUTSIDE)
  }
})

t.test('a heading is not a misspelt block, and neither is a comment', async (t) => {
  const commented = between('-----begin certificate-----', '----END CERTIFICATE----').replace(/^(?=.)/gm, '# ')
  for (const text of [
    '--- begin of the authorities ---\n--- end of certificates ---\n',
    '---------- Begin Certificate of the Office ----------\n',
    'at the end: certificate\nBEGIN CERTIFICATE\nsend -> end certificate\n',
    `${'-'.repeat(300)}begin certificate\n`,
    'MIIB is how it begins\nMIDDLEWARE\n',
    commented,
    commented.replaceAll('\n', '\r'),
    `# -----BEGIN CERTIFICATE-----\n${BODY}\n# -----END CERTIFICATE-----\n`
  ]) t.equal(read(Buffer.from(text + certificate)), 1, text.slice(0, 40))
})

t.test('headings and sentences beside good blocks are text', async (t) => {
  for (const [before, after] of [
    ['----- Begin intermediates -----\n', '----- End of root certificates -----\n'],
    ['--- Begin Certificate ---\n', '--- End Certificate ---\n'],
    ['-- begin certificate\n\n', '-- end certificate\n'],
    ['- begin certificate\n# of the office\n', '- end certificate\n'],
    ['— begin certificate\n', '— end certificate\n'],
    ['-- Begin PKCS7 --\nnone\n', '-- End CRL --\n'],
    [`${BODY.slice(0, 64)} is the beginning of the key\n`, 'MIDDLEWAREAUTHORITYFORTHEWHOLEDEPARTMENT\nof the company\n'],
    [`#-----BEGIN CERTIFICATE-----\n\n${BODY}\n#-----END CERTIFICATE-----\n`, ''],
    [`# -----BEGIN CERTIFICATE-----\n# it has expired\n${BODY}\n# -----END CERTIFICATE-----\n`, '']
  ] as const) {
    for (const lineBreak of ['\n', '\r\n', '\r']) {
      t.equal(read(Buffer.from(`${before}${certificate}${after}${certificate}`.replaceAll('\n', lineBreak))), 2, before.slice(0, 40) + after)
    }
  }
})

for (const end of ['----END', '-----END']) {
  t.test(`the readable part of a file with a misspelt block in a list still revokes: ${end}`, async (t) => {
    const site = await makeSite(t)
    const { app, port } = await startApp(t, site.endpoint())
    const misspelt = site.alice.certificate.replace('-----BEGIN', '----BEGIN').replace('-----END', end)
    await writeFile(site.path('stolen.pem'), `${misspelt}${site.mallory.certificate}`)
    await site.revoke('stolen.pem')
    await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_FILE_INVALID', file: site.path('stolen.pem'), line: 1, message: /write BEGIN and END/ })
    await t.rejects(get(port, asClient(site, site.mallory)))
    t.equal(app.endpoint.health().status, 'degraded')
  })
}

t.test('a misspelt block fails the start with file and line, a reload keeps the previous state, and check reports it', async (t) => {
  const site = await makeSite(t)
  const misspelt = ({ certificate }: Issued): string => certificate.replace('-----BEGIN', '----BEGIN').replace('-----END', '----END')
  const problem = { code: 'FST_ENDPOINT_FILE_INVALID', argument: 'authorities', file: site.path('ca.pem'), line: Number, message: /write BEGIN and END in capitals, with five hyphens/ }
  const other = await createAuthority({ name: 'Other' })
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await writeFile(site.path('ca.pem'), site.ca.certificate + misspelt(other))
  await t.rejects(app.endpoint.reload(), problem)
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await t.rejects(startApp(t, site.endpoint()), problem)
  const { endpoints } = JSON.parse((await runMain(['check', '--json', site.endpoint()])).stdout) as CheckReport
  t.match(endpoints[0]?.problems, [problem])
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await writeFile(site.path('revoked.pem'), site.alice.certificate + misspelt(site.mallory))
  await site.revoke('revoked.pem')
  await t.rejects(startApp(t, site.endpoint()), { code: 'FST_ENDPOINT_FILE_INVALID', file: site.path('revoked.pem'), message: problem.message })
})
