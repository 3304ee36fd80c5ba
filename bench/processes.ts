/** What a process and all its descendants use, as Linux reports it: processor time and memory. */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds of processor time of all threads that run now. */
export function processorTime (pid: number): number {
  return sum(threadsOf(pid).values())
}

/** Milliseconds of processor time since `before`, of the threads that run now: what an ended one had used before does not count. */
export function processorTimeSince (pid: number, before: ReadonlyMap<string, number>): number {
  return sum([...threadsOf(pid)].map(([task, time]) => time - (before.get(task) ?? 0)))
}

/** Milliseconds of processor time of each thread that runs now. */
export function threadsOf (pid: number): Map<string, number> {
  return new Map(processesOf(pid).flatMap((id) => list(`/proc/${id}/task`).map((task) => {
    return [`${id}/${task}`, Number(read(`/proc/${id}/task/${task}/schedstat`).split(' ')[0]) / 1e6] as const
  })))
}

/** Milliseconds of processor time from the start on, also of threads that have ended: in steps of ten. */
export function processorTimeFromStart (pid: number): number {
  return sum(processesOf(pid).map((id) => {
    // Behind the name, which may contain anything: utime and stime are the fields 14 and 15 of the line.
    const fields = read(`/proc/${id}/stat`).replace(/^.*\) /s, '').split(' ')
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10
  }))
}

/** Bytes of memory, without what is mapped from files. What several processes share counts once. */
export function memory (pid: number): number {
  return sum(processesOf(pid).map((id) => {
    return sum([...read(`/proc/${id}/smaps_rollup`).matchAll(/^Pss_(?:Anon|Shmem): +(\d+)/gm)].map(([, kilobytes]) => Number(kilobytes) * 1024))
  }))
}

function processesOf (pid: number): string[] {
  const all: string[] = []
  for (const open = [String(pid)]; open.length > 0;) {
    const id = open.pop() as string
    all.push(id)
    for (const task of list(`/proc/${id}/task`)) open.push(...read(`/proc/${id}/task/${task}/children`).split(' ').filter(Boolean))
  }
  return all
}

function sum (values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** Empty for a process that has ended meanwhile. */
function read (file: string): string {
  try { return readFileSync(file, 'utf8') } catch { return '' }
}

function list (folder: string): string[] {
  try { return readdirSync(folder) } catch { return [] }
}
