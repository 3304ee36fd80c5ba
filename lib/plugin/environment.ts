/**
 * Where the endpoint strings come from: the option, else the environment, else the fallback.
 *
 * @fastify/env reads the environment in an encapsulated child, since it decorates what it is
 * registered on: the app's own @fastify/env, its `config` and its `getEnvs`, stay what they are.
 */
import fastifyEnv from '@fastify/env'
import type { FastifyInstance } from 'fastify'
import { stringsOf } from '../description/list.js'
import { errors } from '../errors.js'
import type { EndpointOptions } from '../../types/plugin.js'

/**
 * The endpoint strings of an app, at least one.
 * @throws FST_ENDPOINT_MISSING, FST_ENDPOINT_INVALID_OPTION, FST_ENDPOINT_ARRAY
 */
export async function readEndpoints (app: FastifyInstance, { endpoint, env = 'ENDPOINT', dotenv, fallback }: EndpointOptions): Promise<readonly string[]> {
  const strings = asList('endpoint', endpoint) ?? orNothing(stringsOf(await readVariable(app, env, dotenv), env)) ?? asList('fallback', fallback)
  if (strings === undefined || strings.length === 0) throw new errors.FST_ENDPOINT_MISSING(env, env)
  return strings
}

function asList (name: string, strings: string | readonly string[] | undefined): readonly string[] | undefined {
  const list = typeof strings === 'string' ? [strings] : strings
  if (list !== undefined && !(Array.isArray(list) && list.every((text) => typeof text === 'string'))) {
    throw new errors.FST_ENDPOINT_INVALID_OPTION(name, 'an endpoint string, or a list of them')
  }
  return list
}

function orNothing (strings: string[]): string[] | undefined {
  return strings.length > 0 ? strings : undefined
}

async function readVariable (app: FastifyInstance, name: string, dotenv: EndpointOptions['dotenv']): Promise<string | undefined> {
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

/** A name of our own: a child sees its parent's decorators, the app's `config` among them. */
const CONFIGURATION = 'fastifyEndpointEnvironment'
