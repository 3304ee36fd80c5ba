/**
 * The worker for one directory. acme-client has global settings, and retries by itself. So each directory gets its own thread, and
 * retries are off.
 */
import { Agent } from 'node:https'
import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Authorization } from 'acme-client'
import type { Answered, AnswerMessage, CallFailure, CallMessage, CallName, DirectoryCalls, DirectorySetup } from './directory-calls.js'

const { default: acme } = await import('acme-client')
const { Client, axios, crypto } = acme

/** Milliseconds without a byte, bytes of an answer. */
const TIMEOUT = 30_000
const LARGEST = 1024 * 1024

const { directory, accountKey, accountUrl, ca, eab } = workerData as DirectorySetup

Object.assign((axios.defaults as { acmeSettings?: object }).acmeSettings ?? {}, { retryMaxAttempts: 0 })
Object.assign(axios.defaults, {
  timeout: TIMEOUT,
  maxContentLength: LARGEST,
  maxBodyLength: LARGEST,
  maxRedirects: 0,
  httpsAgent: new Agent({ keepAlive: true, ...(ca !== undefined && { ca }) })
})

interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly data: unknown
}

/** Of the last response. */
let retryAfter: string | undefined
let date: string | undefined

/**
 * RFC 8555 allows the URLs of a directory to have any host, but all known authorities use only their own. A hostile directory could
 * make this process contact hosts behind the firewall.
 */
axios.interceptors.request.use((config) => {
  const { protocol, host } = new URL(config.url ?? '', directory)
  if (protocol === 'https:' && host === new URL(directory).host) return config
  throw new Failure({ message: `it gives a URL of another host, ${protocol}//${host}, which is not followed`, status: 400 })
})

// acme-client's own interceptor repeats requests, and hides why a connection failed.
axios.interceptors.response.clear()
axios.interceptors.response.use(note, (error: Error & { response?: Response, code?: string }) => {
  if (error instanceof Failure) throw error
  if (error.response !== undefined) return note(error.response)
  throw new Failure({ message: `no connection (${error.code ?? error.message})` })
})

function note (response: Response): any { // the type of axios
  const { status, headers, data } = response
  retryAfter = textOf(headers['retry-after'])
  date = textOf(headers['date']) ?? date
  if (status < 300) return response
  const { type, detail, subproblems } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const name = textOf(type)?.replace('urn:ietf:params:acme:error:', '')
  // acme-client repeats the request with the nonce of this answer.
  if (status === 400 && name === 'badNonce') return response
  const words = [textOf(detail) ?? `it answered with the status ${status}`, ...Array.isArray(subproblems) ? subproblems.map(detailOf) : []]
  throw new Failure({ message: words.join('; '), status, ...(name !== undefined && { type: name }) })
}

function detailOf (problem: unknown): string {
  const { identifier, detail } = (problem ?? {}) as { identifier?: { value?: unknown }, detail?: unknown }
  return `${textOf(identifier?.value) ?? ''}: ${textOf(detail) ?? ''}`
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

class Failure extends Error {
  readonly failure: CallFailure

  constructor (failure: CallFailure) {
    super(failure.message)
    this.failure = failure
  }
}

const client = new Client({
  directoryUrl: directory,
  accountKey,
  ...(accountUrl !== undefined && { accountUrl }),
  ...(eab !== undefined && { externalAccountBinding: eab })
})

const calls: { [N in CallName]: (...args: DirectoryCalls[N][0]) => Promise<DirectoryCalls[N][1]> } = {
  directory: async () => (await axios.get(directory)).data as Answered,
  async account (contact) {
    await client.createAccount({ termsOfServiceAgreed: true, contact: contact.map((address) => `mailto:${address}`) })
    return client.getAccountUrl()
  },
  async newOrder (names, profile, replaces) {
    const identifiers = names.map((value) => ({ type: 'dns', value }))
    const order = { identifiers, ...(profile !== undefined && { profile }), ...(replaces !== undefined && { replaces }) }
    return await client.createOrder(order) as unknown as Answered
  },
  order: async (url) => await client.getOrder({ url } as Order) as unknown as Answered,
  async authorization (url) {
    const [answer] = await client.getAuthorizations({ authorizations: [url] } as unknown as Order)
    return answer as unknown as Answered
  },
  keyAuthorization: (token) => client.getChallengeKeyAuthorization({ token, type: 'http-01', url: '', status: 'pending' } as never),
  async alpnCertificate (name, keyAuthorization, key) {
    const authorization = { identifier: { type: 'dns', value: name } } as Authorization
    const [, certificate] = await crypto.createAlpnCertificate(authorization, keyAuthorization, key)
    return certificate.toString()
  },
  answer: async (url) => await client.completeChallenge({ url } as never) as unknown as Answered,
  async finalize (order, names, key) {
    // Without a common name: it is deprecated, and too short for long host names.
    const [, csr] = await crypto.createCsr({ altNames: [...names] }, key)
    return await client.finalizeOrder(order as Order, csr) as unknown as Answered
  },
  certificate: async (url) => await client.getCertificate({ status: 'valid', certificate: url } as Order),
  renewalInfo: async (url) => (await axios.get(url)).data as Answered
}

parentPort?.on('message', ({ id, name, args }: CallMessage) => {
  retryAfter = undefined
  const call = calls[name] as (...args: readonly unknown[]) => Promise<unknown>
  call(...args).then((result) => ({ result }), (thrown: unknown) => ({ failure: failureOf(thrown) })).then((outcome) => {
    const answer: AnswerMessage = { id, ...outcome, ...(retryAfter !== undefined && { retryAfter }), ...(date !== undefined && { date }) }
    parentPort?.postMessage(answer)
  })
})

function failureOf (thrown: unknown): CallFailure {
  if (thrown instanceof Failure) return thrown.failure
  return { message: `its answer violates RFC 8555 (${thrown instanceof Error ? thrown.message : String(thrown)})` }
}
