/**
 * Finds the endpoint strings of an app: in the option, else in the environment, else in the fallback.
 *
 * @fastify/env is loaded only if the environment decides: with its validator, it takes longer than the rest of a start.
 * It decorates the instance that it is registered on. A child of its own keeps the app's own @fastify/env, with its
 * `config` and `getEnvs`, as it is.
 */
import type { FastifyInstance } from 'fastify'
import { stringsOf } from '../description/list.js'
import { errors } from '../errors.js'
import type { EndpointOptions } from '../../types/plugin.js'

/**
 * The endpoint strings of an app, at least one.
 * @throws FST_ENDPOINT_MISSING, FST_ENDPOINT_INVALID_OPTION, FST_ENDPOINT_ARRAY
 */
export async function readEndpoints (app: FastifyInstance, options: EndpointOptions): Promise<readonly string[]> {
  const { endpoint, env = 'ENDPOINT', dotenv, fallback } = options
  let strings = asList('endpoint', endpoint) ?? stringsOf(await readVariable(app, env, dotenv), env)
  if (endpoint === undefined && strings.length === 0) strings = asList('fallback', fallback) ?? []
  if (strings.length === 0) throw new errors.FST_ENDPOINT_MISSING(env, env)
  return strings
}

function asList (name: string, strings: string | readonly string[] | undefined): readonly string[] | undefined {
  const list = typeof strings === 'string' ? [strings] : strings
  if (list !== undefined && !(Array.isArray(list) && list.every((text) => typeof text === 'string'))) {
    throw new errors.FST_ENDPOINT_INVALID_OPTION(name, 'an endpoint string, or a list of them')
  }
  return list
}

async function readVariable (app: FastifyInstance, name: string, dotenv: EndpointOptions['dotenv']): Promise<string | undefined> {
  const { default: fastifyEnv } = await import('@fastify/env')
  let value: string | undefined
  await app.register(async function readEnvironment (child) {
    await child.register(fastifyEnv, {
      confKey: CONFIGURATION,
      schema: { type: 'object', properties: { [name]: { type: 'string' } } },
      ...(dotenv !== undefined && { dotenv })
    })
    value = (child as unknown as Record<string, Record<string, string | undefined>>)[CONFIGURATION]?.[name]
  })
  return value
}

/** A unique name: a child inherits its parent's decorators, and the app may have a `config`. */
const CONFIGURATION = 'fastifyEndpointEnvironment'
