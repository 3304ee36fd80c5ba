/** A Redis server for a benchmark, on its own port. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../test/support/loopback.js'

/**
 * Starts it, and resolves when it listens.
 * @param folder where it may write
 * @param children the process is added here, so that the caller ends it
 */
export async function startRedis (folder: string, children: ChildProcess[]): Promise<number> {
  const port = await freePort()
  const child = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  while (!output.includes('Ready to accept connections')) await once(child.stdout, 'data')
  return port
}
