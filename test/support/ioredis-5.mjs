/** Lets a process load ioredis 5 where it asks for ioredis: `node --import ./test/support/ioredis-5.mjs …`. */
import * as module from 'node:module'
import * as hooks from './ioredis-5-hooks.mjs'

// Node.js 20 has only module.register, which newer versions deprecate.
if (module.registerHooks === undefined) module.register('./ioredis-5-hooks.mjs', import.meta.url)
else module.registerHooks(hooks)
