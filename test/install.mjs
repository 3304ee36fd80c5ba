/**
 * Packs what npm would publish and installs it into an empty folder beside fastify, as a user does. The tests of clients, documents
 * and the package run against that. Needs a fresh build; the next build removes it.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'dist', 'installed')
const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
// Without prepack, which would build again.
const [{ filename }] = JSON.parse(npm('pack', root, '--ignore-scripts', '--json'))
const { devDependencies: { fastify } } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
npm('install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error', `./${filename}`, `fastify@${fastify}`)
cpSync(join(root, 'test', 'clients', 'app'), folder, { recursive: true })
