#!/usr/bin/env node
/** The program that package.json names as `bin`. */
import { main } from './main.js'

// A reader that has seen enough (`| head`) closes the pipe, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await main(process.argv.slice(2), { env: process.env, stdout: process.stdout, stderr: process.stderr })
