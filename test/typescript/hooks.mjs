/** How Node.js finds and loads TypeScript: `./name.js` means `name.ts` if that exists. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readStripped } from './stripped.mjs'

export function resolve (specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const { href } = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(fileURLToPath(href))) return { url: href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

export function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  return { format: 'module', source: readStripped(fileURLToPath(url)), shortCircuit: true }
}
