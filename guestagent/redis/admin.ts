/*
 * The agent's own connection to its redis-server, over the unix socket. The only importer of ioredis. Nothing is retried or
 * queued here: a call reaches the server now or fails, and each has a deadline, because the server may be frozen.
 */

import { Redis } from 'ioredis'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import { isAtLeast } from '../../domain/datastore/server-version.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import {
  APPLICATION_USER,
  applicationRules,
  hiddenCommands,
  passwordRule,
  REPLICATION_USER,
  replicationPasswords,
} from './acl.js'
import type { Capabilities } from './capabilities.js'
import { nameFor } from './directive-names.js'

/** One look, all of the same moment. */
export interface AdminLook {
  readonly info: string
  /** `min-replicas-to-write` at run time. */
  readonly fenceReplicas: number | null
}

/** What ROLE says of a replica's link; `null` on a source. Cheap enough to ask many times a second. */
export type RoleState = { readonly role: 'source' } | { readonly role: 'replica'; readonly state: string }

/** What an agent asks of its redis-server, one small call each. */
export interface RedisAdmin {
  /** Calls fail with `guest_failed` (the server's sentence) or `guest_timeout`. */
  look(): Promise<AdminLook>
  /** The same with INFO replication alone. */
  lookAtRole(): Promise<AdminLook>
  info(section: 'replication' | 'persistence'): Promise<string>
  role(): Promise<RoleState>
  /** Names as in the newest redis.conf. */
  configSet(name: string, value: string): Promise<void>
  /** Several in one round trip, in order. */
  configSetAll(settings: readonly (readonly [name: string, value: string])[]): Promise<void>
  /** Follows `source`, or nobody, and sets `min-replicas-to-write`, with no command of a client in between. */
  follow(source: Endpoint | null, minReplicasToWrite: number): Promise<void>
  /** Holds back clients' writes, with the source's pings put off by `pingPeriodSeconds`; resolves with INFO replication after it. */
  pauseWrites(pauseMs: number, pingPeriodSeconds: number): Promise<string>
  unpauseWrites(): Promise<void>
  killSourceLink(): Promise<void>
  /**
   * Replaces passwords of the application and the replicas; their connections stay. What the application may do becomes what this agent
   * says too: a server that an older agent started had other rules.
   */
  setPasswords(credentials: Credentials): Promise<void>
  /** How many connections it takes, those of agent and replicas too. */
  clientsMax(): Promise<number>
  /** The text of CLIENT LIST: a line for each connection. */
  clientList(): Promise<string>
  /** Closes connections by id; resolves with how many were still there. */
  closeClients(ids: readonly number[]): Promise<number>
  /** Ends a script or function that keeps the server busy, unless it has written. Works while every other call is refused with BUSY. */
  killScript(): Promise<'ended' | 'has written' | 'none runs'>
  /** Asks for a clean stop with the data in dump.rdb; resolves when the server hangs up, or at the deadline. */
  shutdown(timeoutMs: number): Promise<void>
  close(): void
}

/** Where the server listens, who asks, and how long one call may take. */
export interface AdminOptions {
  readonly socket: string
  readonly login: { readonly username?: string; readonly password: string }
  readonly can: Capabilities
  readonly agentPassword: string
  readonly timeoutMs: number
  /** The connection ended: the server died, or `close` was called. */
  readonly onClose: () => void
}

/** Connects and logs in. Fails with `guest_failed` when nobody listens or the password is refused, `guest_timeout` when nobody answers. */
export async function connectAdmin(options: AdminOptions): Promise<RedisAdmin> {
  const { socket, login, timeoutMs, onClose } = options
  const redis = new Redis({
    path: socket,
    ...login,
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    disableClientInfo: true,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
  })
  let failure: unknown
  redis.on('error', (error: unknown) => {
    failure = error
  })
  try {
    await redis.connect()
    if (failure !== undefined) throw failure
  } catch (error) {
    redis.disconnect()
    throw asGuestError(failure ?? error)
  }
  redis.on('close', onClose)
  // Where all clients together have a bound, the agent is not among those that are sent away for the rest. A busy server refuses this too.
  if (isAtLeast(options.can.version, '7.0')) redis.call('client', 'no-evict', 'on').catch(() => undefined)
  return adminOver(redis, options)
}

function adminOver(redis: Redis, { can, agentPassword, timeoutMs }: AdminOptions): RedisAdmin {
  const hidden = hiddenCommands(can, agentPassword)
  const call = async (command: string, ...args: readonly string[]): Promise<unknown> => {
    try {
      return await redis.call(hidden.get(command) ?? command, [...args])
    } catch (error) {
      throw asGuestError(error)
    }
  }
  const text = async (command: string, ...args: readonly string[]) => String(await call(command, ...args))
  const configSet = async (name: string, value: string) => {
    await call('config', 'set', nameFor(name, can), value)
  }
  /** In one write: redis-server carries out all that it read from one client before it turns to the next. */
  const together = async (commands: readonly Words[]): Promise<void> => {
    const pipeline = redis.pipeline()
    for (const [command, ...args] of commands) pipeline.call(hidden.get(command) ?? command, ...args)
    try {
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
    } catch (error) {
      throw asGuestError(error)
    }
  }
  const lookWith = async (asked: Promise<string>): Promise<AdminLook> => {
    const [info, fence] = await Promise.all([
      asked,
      call('config', 'get', nameFor('min-replicas-to-write', can)),
    ])
    return { info, fenceReplicas: secondAsNumber(fence) }
  }
  const replicaOf = can.replicaNames ? 'replicaof' : 'slaveof'

  return {
    look: () => lookWith(text('info')),
    lookAtRole: () => lookWith(text('info', 'replication')),
    info: (section) => text('info', section),
    role: async () => roleState(await call('role')),
    configSet,
    configSetAll: (settings) =>
      together(settings.map(([name, value]) => ['config', 'set', nameFor(name, can), value])),
    follow: (source, minReplicasToWrite) =>
      together([
        [replicaOf, source?.host ?? 'no', source ? String(source.port) : 'one'],
        ['config', 'set', nameFor('min-replicas-to-write', can), String(minReplicasToWrite)],
      ]),
    pauseWrites: async (pauseMs, pingPeriodSeconds) => {
      const [, , info] = await Promise.all([
        configSet('repl-ping-replica-period', String(pingPeriodSeconds)),
        call('client', 'pause', String(pauseMs), 'write'),
        text('info', 'replication'),
      ])
      return info
    },
    unpauseWrites: async () => {
      if (can.pauseWrites) await call('client', 'unpause')
    },
    killSourceLink: async () => {
      await call('client', 'kill', 'type', 'master')
    },
    setPasswords: async (credentials) => {
      await Promise.all(
        passwordCommands(credentials, can).map(([command, ...args]) => call(command, ...args)),
      )
    },
    clientsMax: async () =>
      secondAsNumber(await call('config', 'get', 'maxclients')) ?? Number.POSITIVE_INFINITY,
    clientList: () => text('client', 'list'),
    closeClients: async (ids) => {
      const closed = await Promise.all(ids.map((id) => call('client', 'kill', 'id', String(id))))
      return closed.filter((count) => count === 1).length
    },
    killScript: async () => {
      const kills = can.functions ? ['script', 'function'] : ['script']
      for (const kind of kills) {
        try {
          await call(kind, 'kill')
          return 'ended'
        } catch (error) {
          if (/\bUNKILLABLE\b/.test(messageOf(error))) return 'has written'
          if (isKind(error, 'guest_timeout')) throw error
        }
      }
      return 'none runs'
    },
    shutdown: (deadlineMs) =>
      shutdown(redis, hidden.get('shutdown') ?? 'shutdown', Math.max(deadlineMs, timeoutMs)),
    close: () => redis.disconnect(),
  }
}

type Words = readonly [command: string, ...args: string[]]

function passwordCommands(credentials: Credentials, can: Capabilities): readonly Words[] {
  if (!can.acl) {
    const password = credentials.application[0] ?? ''
    return [
      ['config', 'set', 'masterauth', password],
      ['config', 'set', 'requirepass', password],
    ]
  }
  const application = credentials.application.map(passwordRule)
  return [
    ['acl', 'setuser', APPLICATION_USER, 'resetpass', ...application, ...applicationRules(can)],
    ['acl', 'setuser', REPLICATION_USER, 'resetpass', ...replicationPasswords(credentials)],
    ['config', 'set', 'masteruser', REPLICATION_USER],
    ['config', 'set', 'masterauth', credentials.replication],
  ]
}

/** SHUTDOWN has no answer when it works. It is sent without the usual deadline, since saving takes as long as the data set is large. */
async function shutdown(redis: Redis, command: string, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const closed = new Promise<void>((resolve) => redis.once('close', () => resolve()))
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RedtroveError('guest_timeout', `redis-server did not stop within ${timeoutMs} ms.`)),
      timeoutMs,
    )
  })
  const refused = redis.call(command, ['save']).then(
    () => closed,
    (error: unknown) => {
      const sentence = messageOf(error)
      if (/Connection is closed|timed out/i.test(sentence)) return closed
      throw asGuestError(error)
    },
  )
  try {
    await Promise.race([closed, refused, late])
  } finally {
    clearTimeout(timer)
  }
}

function secondAsNumber(reply: unknown): number | null {
  const value = Array.isArray(reply) ? Number(reply[1]) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}

function roleState(reply: unknown): RoleState {
  const words = Array.isArray(reply) ? reply.map(String) : []
  return words[0] === 'slave' ? { role: 'replica', state: words[3] ?? 'unknown' } : { role: 'source' }
}

const IF_IT_LASTS = 'If that lasts, restart the instance.'

/** The server answers, and only with this: a script or function has kept it from all others for five seconds. */
export function isBusy(error: unknown): boolean {
  return /\bBUSY\b/.test(messageOf(error))
}

/** ioredis puts the command and its arguments into an error object; only the server's sentence goes further. */
function asGuestError(error: unknown): RedtroveError {
  const sentence = messageOf(error)
  if (/timed out|ETIMEDOUT/i.test(sentence)) {
    return new RedtroveError('guest_timeout', `redis-server does not answer. ${IF_IT_LASTS}`)
  }
  if (isBusy(error)) {
    const what = 'redis-server answers BUSY: a script or function has kept it for five seconds or longer'
    return new RedtroveError('guest_failed', `${what}. ${IF_IT_LASTS}`)
  }
  return new RedtroveError('guest_failed', `redis-server: ${sentence}`)
}
