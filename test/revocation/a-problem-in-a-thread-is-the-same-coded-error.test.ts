import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadRevocations, type LoadRevocationsOptions } from '../../lib/revocation/index.js'
import { makeLargeCrl, type LargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { type CodedError, errorOf } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other' })

interface Case {
  readonly name: string
  readonly code: string
  readonly content: (crl: LargeCrl) => string | Buffer
  readonly line?: number
  readonly options?: Partial<LoadRevocationsOptions>
}

const cases: Case[] = [
  { name: 'a CRL with two signature algorithms', code: 'FST_ENDPOINT_FILE_INVALID', content: ({ der }) => withAnotherAlgorithm(der) },
  { name: 'a CRL with two signature algorithms, in PEM', code: 'FST_ENDPOINT_FILE_INVALID', content: ({ der }) => `a comment\n${pemOf(withAnotherAlgorithm(der))}`, line: 2 },
  { name: 'base64 that is cut short', code: 'FST_ENDPOINT_FILE_INVALID', content: ({ pem }) => pem.replace(/.\n-----END/, '\n-----END'), line: 1 },
  { name: 'a CRL that no authority has signed', code: 'FST_ENDPOINT_CRL_UNSIGNED', content: ({ pem }) => `\n\n${pem}`, line: 3, options: { authorities: [other.x509] } },
  { name: 'more entries than the limit', code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES', content: ({ pem }) => pem, line: 1, options: { limits: { entries: 9 } } }
]

for (const { name, code, content, line, options } of cases) {
  t.test(`a thread reports the same error for ${name}`, async (t) => {
    const path = join(makeTestFolder(t), 'root.crl')
    const read = async (count: number): Promise<{ result: CodedError, threads: unknown[] }> => {
      writeFileSync(path, content(makeLargeCrl(root, { count })))
      return await threadsDuring(() => errorOf(() => loadRevocations({ patterns: [path], authorities: [root.x509], ...options })))
    }
    const here = await read(10)
    const there = await read(40_000)
    t.equal(here.threads.length, 0)
    t.equal(there.threads.length, 1)
    t.match(there.result, { code, file: path, line })
    t.equal(there.result.message, here.result.message)
    t.equal(there.result.constructor, here.result.constructor)
  })
}

/** The one that its signed part does not name. */
function withAnotherAlgorithm (der: Buffer): Buffer {
  const broken = Buffer.from(der)
  const ecdsa = Buffer.from('2a8648ce3d0403', 'hex')
  broken.writeUInt8(4, broken.lastIndexOf(ecdsa) + ecdsa.length)
  return broken
}

function pemOf (der: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`
}
