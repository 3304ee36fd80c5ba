/** Lets this process and its threads load TypeScript: `node --import ./test/typescript/register.mjs FILE.ts`. */
import * as module from 'node:module'
import * as hooks from './hooks.mjs'

// Node.js 20 has only module.register, which newer versions deprecate.
if (module.registerHooks === undefined) module.register('./hooks.mjs', import.meta.url)
else module.registerHooks(hooks)
