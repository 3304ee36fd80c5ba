/** Says on a terminal that something takes its time, and takes it back when it is over. */
import type { Output } from './style.js'

/** Milliseconds after which somebody begins to wonder. */
const PATIENCE = 500
const INTERVAL = 250

/** Does something, and shows what and for how long on a terminal if it takes long. */
export async function withProgress<T> (output: Output, what: string, work: () => Promise<T>): Promise<T> {
  if (output.isTTY !== true) return await work()
  const start = performance.now()
  let isShown = false
  const timer = setInterval(() => {
    const seconds = (performance.now() - start) / 1000
    if (seconds * 1000 < PATIENCE) return
    isShown = true
    output.write(`\r${what} … ${seconds.toFixed(0)} s`)
  }, INTERVAL)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    if (isShown) output.write('\r\u001b[2K')
  }
}
