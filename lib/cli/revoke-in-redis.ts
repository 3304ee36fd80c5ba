/** `fastify-endpoint revoke --to redis://…`: puts certificates into a set in Redis, for a fleet. */
import { readSettledFile } from '../files.js'
import { listName } from '../revocation/list/last-good-list.js'
import { parseList } from '../revocation/list/list-file.js'
import {
  acceptInRedis, addToRedis, type RedisWriterOptions, type RedisWriting, removeFromRedis
} from '../revocation/sources/redis/writer.js'
import { type Call, type ExitStatus, print, styleOf, UsageError, valueOf } from './command.js'
import { describeError } from './error-text.js'

/** Most bytes of a file with entries. */
const ENTRIES_LIMIT = 1024 * 1024 * 1024

const UNCONFIRMED = 'No replica has confirmed the change within 1 s: if the primary fails before one has it, the change is lost. ' +
  'Look at the replicas, and check the set after a failover.\n'

export const REDIS_OPTIONS = {
  to: { type: 'string' }, entries: { type: 'string' }, undo: { type: 'boolean' }, accept: { type: 'boolean' }
} as const

/** @param lines gives the entries for the certificates that the command line names */
export async function revokeInRedis (call: Call, lines: () => Promise<readonly string[]>): Promise<ExitStatus> {
  const { values, positionals, stderr } = call
  const address = valueOf(call, 'to') ?? ''
  const file = valueOf(call, 'entries')
  const isAccepting = values['accept'] === true
  if (isAccepting && (positionals.length > 0 || file !== undefined || values['undo'] === true)) {
    throw new UsageError('--accept takes no certificate, --entries or --undo: give only --to with it')
  }
  if (!isAccepting && positionals.length === 0 && file === undefined) {
    throw new UsageError('no certificate given: name its file, or a file of entries with --entries')
  }
  const isDryRun = values['dry-run'] === true
  try {
    const options: RedisWriterOptions = { address, isDryRun }
    if (isAccepting) {
      const accepted = await acceptInRedis(options)
      const { size } = accepted
      print(
        call,
        `The set ${isDryRun ? 'would be' : 'is'} accepted as complete, with ${entries(size)}: ` +
          `${isDryRun ? 'nothing was written' : 'nodes drop the entries that they have kept beyond these'}.`
      )
      warnOf(accepted, stderr)
      return 0
    }
    const given = [...await lines(), ...file === undefined ? [] : await readEntries(file)]
    const isUndo = values['undo'] === true
    const written = await (isUndo ? removeFromRedis : addToRedis)(options, given)
    print(call, describe(written, { isUndo, isDryRun }))
    warnOf(written, stderr)
    if (written.isMarked) return 0
    const effect = isUndo ? ', so nothing was removed' : ': running nodes apply the new entries, but no node can start'
    stderr.write(`The set has no marker${effect}. If it is complete (a new set, for example), run this with --accept; ` +
      'if it has lost entries, add them again first.\n')
    return 1
  } catch (thrown) {
    for (const line of describeError(thrown, styleOf(call, stderr))) stderr.write(`${line}\n`)
    return 1
  }
}

function describe ({ changed, size }: RedisWriting, { isUndo, isDryRun }: { isUndo: boolean, isDryRun: boolean }): string {
  const what = isUndo ? 'removed from the set' : 'added to the set'
  return `${entries(changed)} ${isDryRun ? 'would be' : changed === 1 ? 'was' : 'were'} ${what}, which ` +
    `${isDryRun ? 'would then have' : 'now has'} ${size}${isDryRun ? '; nothing was written' : ''}.`
}

/** Says what the change lacks, though it is in force. */
function warnOf ({ isReplicated, unlogged }: RedisWriting, stderr: Call['stderr']): void {
  if (!isReplicated) stderr.write(UNCONFIRMED)
  if (unlogged !== undefined) {
    stderr.write(`The log of changes cannot be written (${unlogged}), so each node reads the whole set at each change. ` +
      'See the access list of writers in docs/fleets.md.\n')
  }
}

function entries (count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`
}

/** Reads lines of a list. A line that names files is an error: each node would have different files. */
async function readEntries (file: string): Promise<string[]> {
  const what = file === '-' ? 'standard input' : listName(file)
  const bytes = file === '-' ? await readStandardInput() : (await readSettledFile(file, { what, limit: ENTRIES_LIMIT })).bytes
  const { entries, problems: [problem] } = parseList(bytes, what, file === '-' ? {} : { file })
  if (problem !== undefined) throw problem
  return entries.map((entry) => {
    if (entry.kind !== 'tbs' && entry.kind !== 'serial' && entry.kind !== 'spki') {
      throw new Error(`${what} line ${entry.line}: only lines tbs:…, serial:… and spki:… can be put into a set`)
    }
    return `${entry.kind}:${entry.value}`
  })
}

async function readStandardInput (): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > ENTRIES_LIMIT) throw new Error(`standard input has more than ${ENTRIES_LIMIT} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
