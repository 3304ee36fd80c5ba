#!/usr/bin/env node
/** The program that package.json names as `bin`. */
import { main } from './main.js'

process.exitCode = await main(process.argv.slice(2), process.env, (line) => { console.log(line) })
