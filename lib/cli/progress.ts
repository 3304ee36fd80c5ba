/** Shows progress on a terminal while work takes long, and erases it afterwards. */
import type { Output } from './style.js'

/** Milliseconds before anything is shown. */
const PATIENCE = 500
const INTERVAL = 250

/** Runs `work`. If it takes long, shows `what` and the elapsed seconds on a terminal. */
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
