/*
 * The broker's users for guests, over the HTTP API of its management plugin (ADR 14). What a user may do follows from the instance's id, and its
 * password from the master key, so every part makes the same user and nothing is stored.
 */
import { type ClientRequest, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { messageOf, RedtroveError } from '../../common/errors.js'
import { readAuthorities } from '../../common/tls/certificates.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { BrokerAccount } from './account.js'
import { LANES, queueNames } from './queues.js'

const ANSWER_MS_MAX = 10_000
/** A session and what a broken one leaves for some seconds; a session has four channels. */
const LIMITS = { 'max-connections': 5, 'max-channels': 24 }
/** Of each queue that guests write into. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024

/** Makes and removes users of the broker. All methods may be repeated and fail with `unavailable`. */
export interface BrokerAccounts {
  /** The user exists and may do what a guest has to do, and no more. */
  have(instanceId: InstanceId): Promise<BrokerAccount>
  /** The user is gone, and its connections are closed. */
  forget(instanceId: InstanceId): Promise<void>
}

/** Whose broker, and who is made there. */
export interface BrokerAccountsOptions {
  /** The HTTP API with an administrator's account, asked before each request; never logged. */
  readonly url: () => string
  /** Whose signature its certificate must bear. */
  readonly caFile?: string
  /** The broker's AMQP address: its virtual host counts. */
  readonly amqpUrl: () => string
  readonly prefix?: string
  readonly passwordOf: (instanceId: InstanceId) => string
}

/** Users of guests on one broker; nothing is asked before a method is called. */
export function brokerAccounts(options: BrokerAccountsOptions): BrokerAccounts {
  const names = queueNames(options.prefix ?? 'redtrove')
  let limited: Promise<void> | null = null
  const userOf = (id: InstanceId) => `redtrove-${id}`
  const vhost = () => encodeURIComponent(vhostOf(options.amqpUrl()))
  const put = (path: string, body: object) => ask('PUT', path, body)

  return {
    have: async (id) => {
      limited ??= limitQueues().catch((error: unknown) => {
        limited = null
        throw error
      })
      await limited
      const [user, password] = [userOf(id), options.passwordOf(id)]
      await put(`/api/users/${user}`, { password, tags: '' })
      for (const [name, value] of Object.entries(LIMITS))
        await put(`/api/user-limits/${user}/${name}`, { value })
      await put(`/api/permissions/${vhost()}/${user}`, {
        configure: '^$',
        write: `^${escaped(names.up)}$`,
        read: `^(${LANES.map((lane) => escaped(names.commands(id, lane))).join('|')})$`,
      })
      return { user, password }
    },
    forget: (id) => ask('DELETE', `/api/users/${userOf(id)}`),
  }

  function limitQueues(): Promise<void> {
    const { reports, questions, up } = names
    return put(`/api/policies/${vhost()}/${encodeURIComponent(`${up}-bytes`)}`, {
      pattern: `^(${[reports, questions, `${up}.answers`].map(escaped).join('|')})`,
      definition: { 'max-length-bytes': QUEUE_BYTES_MAX },
      'apply-to': 'queues',
    })
  }

  async function ask(method: 'PUT' | 'DELETE', path: string, body?: object): Promise<void> {
    const base = new URL(options.url())
    const status = await send(base, method, path, body, options.caFile).catch((cause: unknown) => {
      throw refused(base, `does not answer: ${messageOf(cause)}`, cause)
    })
    if (status < 300 || (method === 'DELETE' && status === 404)) return
    const why = status === 401 ? 'its account is no administrator of the broker' : `it answered ${status}`
    throw refused(base, `did not make or remove a guest's user: ${why}`)
  }

  function refused({ host }: URL, what: string, cause?: unknown): RedtroveError {
    const sentence = `The broker's management API at ${host} ${what.replace(/\.$/, '')}. Look at REDTROVE_AMQP_MANAGEMENT_URL and at the broker's log.`
    return new RedtroveError('unavailable', sentence, { cause })
  }
}

function send(
  base: URL,
  method: string,
  path: string,
  body: object | undefined,
  caFile: string | undefined,
): Promise<number> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const options = {
    method,
    auth: `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  }
  const target = new URL(base.pathname.replace(/\/$/, '') + path, base.origin)
  const ca = caFile ? { ca: readAuthorities(caFile) } : {}
  return new Promise((resolve, reject) => {
    const sent: ClientRequest =
      base.protocol === 'https:'
        ? requestTls(target, { ...options, ...ca, rejectUnauthorized: true })
        : requestPlain(target, options)
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', reject)
    })
    sent.end(text)
  })
}

/** No path, or a bare slash, is the broker's own default. */
function vhostOf(amqpUrl: string): string {
  const name = decodeURIComponent(new URL(amqpUrl).pathname.replace(/^\//, ''))
  return name === '' ? '/' : name
}

/** For a regular expression of the broker's. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
