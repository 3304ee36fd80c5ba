/** The threads that are started meanwhile. */
import type { Worker } from 'node:worker_threads'

/** Calls `act`, and gives what it gives with the threads that were started until then. */
export async function threadsDuring<R> (act: () => Promise<R>, onStart: (worker: Worker) => void = () => {}): Promise<{ result: R, threads: Worker[] }> {
  const threads: Worker[] = []
  const note = (worker: Worker): void => {
    threads.push(worker)
    onStart(worker)
  }
  process.on('worker', note)
  try {
    return { result: await act(), threads }
  } finally {
    process.off('worker', note)
  }
}
