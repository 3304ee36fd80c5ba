/** `fastify-endpoint revoke`: puts certificates on a list. */
import type { X509Certificate } from 'node:crypto'
import { identifyCertificate } from '../x509/identity.js'
import type { KeyEntry } from '../revocation/list/list-file.js'
import { listName } from '../revocation/list/last-good-list.js'
import { readCertificateFile } from './certificate-file.js'
import { type Call, type Command, COMMON, type ExitStatus, print, styleOf, UsageError, valueOf } from './command.js'
import { describeError } from './error-text.js'
import { addToList, type Addition, type AdditionLine } from './list-addition.js'
import { removeFromList } from './list-removal.js'
import { changeFile } from './replace-file.js'
import { titleOf } from '../x509/title.js'
import { isIssuedBy } from './report/certificates.js'
import { REDIS_OPTIONS, revokeInRedis } from './revoke-in-redis.js'
import type { Style } from './style.js'
import { quotePath } from '../text/printable.js'

export const revoke: Command = {
  options: {
    ...COMMON,
    list: { type: 'string' },
    serial: { type: 'boolean' },
    spki: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    ...REDIS_OPTIONS
  },

  async run (call: Call): Promise<ExitStatus> {
    const { values, positionals: files, stderr, now = Date.now } = call
    const list = valueOf(call, 'list')
    const kind = kindOf(call)
    const additions = async (): Promise<RequestedAddition[]> => {
      const all: RequestedAddition[] = []
      for (const file of files) all.push(additionOf((await readCertificateFile(file))[0], kind, new Date(now())))
      return all
    }
    if (values['to'] !== undefined) {
      if (list !== undefined) throw new UsageError('--list and --to exclude each other: give only one')
      return await revokeInRedis(call, async () => (await additions()).map(({ kind, value }) => `${kind}:${value}`))
    }
    for (const name of ['entries', 'accept']) {
      if (values[name] !== undefined) {
        throw new UsageError(`--${name} is for a set in Redis: name it with --to`)
      }
    }
    if (files.length === 0) throw new UsageError('no certificate given: name its file')
    if (list === undefined) {
      throw new UsageError('no list given: name the revokedFile of the endpoint with --list, or a set in Redis with --to')
    }
    const style = styleOf(call)
    try {
      // Read all certificates before writing anything.
      const all = await additions()
      if (values['undo'] === true) return await undo(call, list, all)
      const isDry = values['dry-run'] === true
      const what = listName(list)
      const { placed } = await changeFile(list, what, (bytes) => addToList(bytes, all, what), isDry)
      for (const one of placed) print(call, describe(one, list, isDry, style))
      if (placed.some(({ isNew }) => isNew)) {
        print(call, style.render({ colour: 'dim', text: isDry ? NOTHING_WRITTEN : WHEN_IT_COUNTS }))
      }
      for (const { name } of all.filter(({ isRoot }) => isRoot)) {
        const warning = styleOf(call, stderr).render([{ colour: 'yellow', text: 'warning: ' }, `${name} is self-signed: ${REVOKED_ROOT}`])
        stderr.write(`${warning}\n`)
      }
      return 0
    } catch (thrown) {
      for (const line of describeError(thrown, styleOf(call, stderr))) stderr.write(`${line}\n`)
      return 1
    }
  }
}

async function undo (call: Call, list: string, all: readonly Addition[]): Promise<ExitStatus> {
  const isDry = call.values['dry-run'] === true
  const what = listName(list)
  const { removals } = await changeFile(list, what, (bytes) => removeFromList(bytes, all, what), isDry)
  const style = styleOf(call)
  const where = quotePath(list)
  for (const { addition: { name }, removed, remaining } of removals) {
    for (const { line, kind, value } of removed) {
      const what = `${name} ${isDry ? 'would no longer be' : 'is no longer'} revoked by ${where} line ${line}: `
      print(call, style.render([what, { colour: 'cyan', text: `${kind}:${value}` }]))
    }
    if (remaining !== undefined) call.stderr.write(`${styleOf(call, call.stderr).render(stillRevoked(name, remaining, where))}\n`)
    else if (removed.length === 0) {
      print(
        call, style.render(`No line of ${where} names ${name}. Files that patterns match were not checked.`)
      )
    }
  }
  if (isDry) print(call, style.render({ colour: 'dim', text: NOTHING_WRITTEN }))
  else if (removals.some(({ removed }) => removed.length > 0)) print(call, style.render({ colour: 'dim', text: WHEN_UNDO_COUNTS }))
  return removals.some(({ remaining }) => remaining !== undefined) ? 1 : 0
}

function stillRevoked (name: string, { line, kind, value }: KeyEntry, where: string): string {
  const option = kind === 'tbs' ? 'leave out --serial and --spki' : `add --${kind}`
  const others = kind === 'spki' ? ', which may revoke other certificates too' : ''
  return `${name} is still revoked by ${where} line ${line}: ${kind}:${value}; ${option} to remove that line${others}`
}

function kindOf ({ values }: Call): Addition['kind'] {
  if (values['serial'] === true && values['spki'] === true) throw new UsageError('--serial and --spki exclude each other: give only one')
  return values['serial'] === true ? 'serial' : values['spki'] === true ? 'spki' : 'tbs'
}

const NOTHING_WRITTEN = 'Nothing was written.'
const WHEN_UNDO_COUNTS = 'Servers that use this list as revokedFile admit the client again after removalDelay (two seconds by default).'
const WHEN_IT_COUNTS = 'Servers that use this list as revokedFile apply it within a quarter of a second (a large list ' +
  'takes longer): new handshakes fail, open connections are closed.'

const REVOKED_ROOT = 'if it is one of the authorities, the clients below it are still admitted. Remove it from the authorities'

/** An addition, and whether it is a root: revoking one does not revoke what it issued. */
interface RequestedAddition extends Addition {
  readonly isRoot: boolean
}

function additionOf (certificate: X509Certificate, kind: Addition['kind'], now: Date): RequestedAddition {
  const { tbs, serial, spki } = identifyCertificate(certificate.raw)
  const keys = { tbs, serial, spki }
  return {
    kind,
    value: keys[kind],
    keys,
    name: titleOf(certificate),
    date: now.toISOString().slice(0, 10),
    isRoot: certificate.ca && isIssuedBy(certificate, certificate)
  }
}

function describe ({ addition: { name }, line, text, isNew }: AdditionLine, list: string, isDry: boolean, style: Style): string {
  const where = `${quotePath(list)} line ${line}`
  const what = !isNew
    ? `${name} is already revoked by ${where}: `
    : isDry ? `${name} would be revoked by ${where}: ` : `${name} is revoked by ${where}: `
  return style.render([what, { colour: 'cyan', text }])
}
