/** The hardest case: without a delay, the first scan that is sure of a removal puts it in force. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })

const LIST = 'a/*.pem\nb/*.pem\nb/*.crt\nc/**/*.pem\n'
const PLACES = ['a/1.pem', 'a/2.pem', 'b/1.pem', 'b/1.crt', 'c/1.pem', 'c/d/2.pem', 'c/e/f/2.pem']

/** Renames a file from one place to the next, as fast as it can, until its input ends. */
const STORM = `
  const { renameSync } = require('node:fs')
  const places = JSON.parse(process.argv[1])
  let at = 0
  let isOver = false
  process.stdin.on('end', () => { isOver = true }).resume()
  function rename () {
    for (let times = 0; times < 200; times++) {
      const next = Math.floor(Math.random() * places.length)
      renameSync(places[at], places[next])
      at = next
    }
    if (!isOver) setTimeout(rename, Math.random() * 80)
  }
  rename()
  console.log('begun')`

function folderOf (t: Test): Reloading {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': LIST, a: { '1.pem': alice.certificate }, b: {}, c: { d: {}, e: { f: {} } } }))
  reloading.removalDelay = 0
  return reloading
}

t.test('a revoked client is not admitted during endless renames', async (t) => {
  const reloading = folderOf(t)
  await reloading.scan()
  const storm = spawn(process.execPath, ['--eval', STORM, JSON.stringify(PLACES.map((place) => reloading.path(place)))], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(storm, 'exit')
  await once(storm.stdout, 'data')
  let missed = 0
  for (let scans = 0; scans < 150; scans++) {
    await reloading.scan()
    if (reloading.revoked(alice).length === 0) missed++
  }
  storm.stdin.end()
  await ended
  t.equal(missed, 0)
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice), ['alice'])
})

t.test('a revoked client is not admitted wherever a rename falls in a scan', async (t) => {
  const reloading = folderOf(t)
  await reloading.scan()
  let at = PLACES[0] as string
  let missed = 0
  for (let scans = 0; scans < 150; scans++) {
    const scan = reloading.scan()
    for (let turns = 0; turns < scans % 20; turns++) await new Promise(setImmediate)
    const next = PLACES[(PLACES.indexOf(at) + 1 + scans % (PLACES.length - 1)) % PLACES.length] as string
    renameSync(reloading.path(at), reloading.path(next))
    at = next
    await scan
    if (reloading.revoked(alice).length === 0) missed++
  }
  t.equal(missed, 0)
})

t.test('a certificate that is removed after the renames is no longer revoked', async (t) => {
  const reloading = folderOf(t)
  await reloading.scan()
  renameSync(reloading.path('a/1.pem'), reloading.path('taken'))
  await reloading.load()
  t.same(reloading.revoked(alice), [])
  writeFileSync(join(reloading.folder, 'b', '2.crt'), alice.certificate)
  await reloading.load()
  t.same(reloading.revoked(alice), ['alice'])
  t.same(readdirSync(reloading.path('a')), [])
})
