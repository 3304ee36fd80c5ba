/** Records the threads that a call starts. */
import type { Worker } from 'node:worker_threads'

/** Calls `act`; gives its result and the threads that it started. */
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
