/*
 * INFO text as typed facts. The text comes from a server that may be hung, torn off in the middle or not Redis at all: nothing
 * here throws, and every number is an integer in the range that travels.
 */

import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { ConnectedReplica, LinkState } from '../../domain/instance/observation.js'

const REPLICAS_MAX = 256

/** `field:value` lines by field; the first one of a name counts. */
export type InfoFields = ReadonlyMap<string, string>

/** Splits INFO text; headings, blank lines and lines without a colon are passed over. */
export function parseInfo(text: string): InfoFields {
  const fields = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon <= 0 || line.startsWith('#')) continue
    const name = line.slice(0, colon)
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1))
  }
  return fields
}

/** What INFO says of one server; null where it says nothing that can be read. */
export interface InfoFacts {
  readonly serverVersion: string | null
  readonly serverPid: number | null
  readonly loading: boolean
  readonly role: 'source' | 'replica' | null
  readonly replicationId: string | null
  readonly replicationId2: string | null
  readonly secondOffset: number | null
  readonly offset: number | null
  readonly following: Endpoint | null
  readonly link: LinkState | null
  readonly lastIoSecondsAgo: number | null
  readonly connectedReplicas: readonly ConnectedReplica[]
  readonly syncFull: number | null
  readonly syncPartialOk: number | null
  readonly syncPartialErr: number | null
  readonly memoryUsedBytes: number | null
  readonly memoryMaxBytes: number | null
  readonly keys: number | null
  readonly clients: number | null
  /** [total_commands_processed] since the process started. */
  readonly commandsProcessed: number | null
  readonly persistence: PersistenceFacts
  readonly memory: MemoryFacts
}

/** What INFO says of memory beside [used_memory] and [maxmemory]. */
export interface MemoryFacts {
  /** [mem_not_counted_for_evict]: the part of what is used that `maxmemory` does not count. */
  readonly uncountedBytes: number | null
  /** [errorstat_OOM]: commands refused for want of memory since the server started; null before Redis 6.2, which does not count them. */
  readonly refusedCommands: number | null
}

/** What INFO persistence says. */
export interface PersistenceFacts {
  readonly aofEnabled: boolean
  /** A rewrite of the append-only file runs or waits to run. */
  readonly aofRewriting: boolean
  readonly aofRewriteOk: boolean
  readonly aofWriteOk: boolean
  readonly rdbSaveOk: boolean
  /** None of the persistence fields is there: the text is torn. */
  readonly unknown: boolean
}

/** INFO text → facts. Never throws. */
export function infoFacts(text: string): InfoFacts {
  const fields = parseInfo(text)
  const role = roleOf(fields.get('role'))
  return {
    serverVersion: short(fields.get('redis_version') ?? fields.get('valkey_version')),
    serverPid: count(fields.get('process_id')),
    loading: fields.get('loading') === '1' || fields.get('async_loading') === '1',
    role,
    replicationId: short(fields.get('master_replid')),
    replicationId2: short(fields.get('master_replid2')),
    secondOffset: integer(fields.get('second_repl_offset')),
    offset: offsetOf(fields, role),
    following: role === 'replica' ? endpointOf(fields) : null,
    link: role === 'replica' ? linkOf(fields) : null,
    lastIoSecondsAgo: role === 'replica' ? integer(fields.get('master_last_io_seconds_ago')) : null,
    connectedReplicas: role === 'source' ? connectedReplicas(fields) : [],
    syncFull: count(fields.get('sync_full')),
    syncPartialOk: count(fields.get('sync_partial_ok')),
    syncPartialErr: count(fields.get('sync_partial_err')),
    memoryUsedBytes: count(fields.get('used_memory')),
    memoryMaxBytes: count(fields.get('maxmemory')),
    keys: role === null ? null : keysOf(fields),
    clients: count(fields.get('connected_clients')),
    commandsProcessed: count(fields.get('total_commands_processed')),
    persistence: persistenceOf(fields),
    memory: memoryOf(fields),
  }
}

/** Digits of a safe size as a number, else null. */
function integer(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}

function count(text: string | undefined): number | null {
  const value = integer(text)
  return value !== null && value >= 0 ? value : null
}

function short(text: string | undefined): string | null {
  return text !== undefined && /^[\x21-\x7e]{1,64}$/.test(text) ? text : null
}

function roleOf(text: string | undefined): 'source' | 'replica' | null {
  if (text === 'master') return 'source'
  return text === 'slave' ? 'replica' : null
}

function endpointOf(fields: InfoFields): Endpoint | null {
  const host = fields.get('master_host') ?? ''
  const port = integer(fields.get('master_port'))
  if (!/^[A-Za-z0-9.:-]{1,255}$/.test(host) || port === null || port < 1 || port > 65535) return null
  return { host, port }
}

/**
 * Where its data stand. A replica says 1 as `slave_repl_offset` as long as it has copied nothing, and before Redis 7 while it copies again, so
 * without a link its own history counts. Servers without replication ids (before 4) keep none as replicas.
 */
function offsetOf(fields: InfoFields, role: InfoFacts['role']): number | null {
  const own = integer(fields.get('master_repl_offset'))
  const applied = integer(fields.get('slave_repl_offset'))
  if (role !== 'replica') return own
  if (fields.get('master_link_status') === 'up' || !fields.has('master_replid')) return applied
  return own ?? applied
}

function linkOf(fields: InfoFields): LinkState | null {
  if (fields.get('master_sync_in_progress') === '1') return 'syncing'
  const status = fields.get('master_link_status')
  if (status === undefined) return null
  return status === 'up' ? 'up' : 'down'
}

function connectedReplicas(fields: InfoFields): readonly ConnectedReplica[] {
  const replicas: ConnectedReplica[] = []
  for (const [name, value] of fields) {
    if (replicas.length >= REPLICAS_MAX) break
    if (!/^slave\d{1,4}$/.test(name)) continue
    const replica = replicaOf(value)
    if (replica) replicas.push(replica)
  }
  return replicas
}

/** `ip=127.0.0.1,port=6379,state=online,offset=14,lag=0` */
function replicaOf(value: string): ConnectedReplica | null {
  const parts = new Map(
    value.split(',').map((part) => {
      const equals = part.indexOf('=')
      return [part.slice(0, Math.max(0, equals)), part.slice(equals + 1)] as const
    }),
  )
  const host = parts.get('ip')
  const port = count(parts.get('port'))
  if (host === undefined || host.length > 255 || port === null) return null
  return {
    host,
    port,
    state: (parts.get('state') ?? 'unknown').slice(0, 64),
    offset: integer(parts.get('offset')) ?? 0,
    lagSeconds: integer(parts.get('lag')),
  }
}

/** `db0:keys=3,expires=0,avg_ttl=0`, over all databases. */
function keysOf(fields: InfoFields): number {
  let keys = 0
  for (const [name, value] of fields) {
    if (!/^db\d{1,5}$/.test(name)) continue
    keys += count(/^keys=(\d+)/.exec(value)?.[1]) ?? 0
  }
  return Math.min(keys, Number.MAX_SAFE_INTEGER)
}

function persistenceOf(fields: InfoFields): PersistenceFacts {
  return {
    aofEnabled: fields.get('aof_enabled') === '1',
    aofRewriting:
      fields.get('aof_rewrite_in_progress') === '1' || fields.get('aof_rewrite_scheduled') === '1',
    aofRewriteOk: (fields.get('aof_last_bgrewrite_status') ?? 'ok') === 'ok',
    aofWriteOk: (fields.get('aof_last_write_status') ?? 'ok') === 'ok',
    rdbSaveOk: (fields.get('rdb_last_bgsave_status') ?? 'ok') === 'ok',
    unknown: !fields.has('aof_enabled'),
  }
}

/** A kind of error is listed once there was one; Redis 6.2, the first that lists any, counts all errors too. */
function memoryOf(fields: InfoFields): MemoryFacts {
  const none = fields.has('total_error_replies') ? 0 : null
  return {
    uncountedBytes: count(fields.get('mem_not_counted_for_evict')),
    refusedCommands: count(/^count=(\d+)/.exec(fields.get('errorstat_OOM') ?? '')?.[1]) ?? none,
  }
}

/** AOF on, its last write and rewrite good, and the last RDB save good (Redis refuses writes otherwise). */
export function isPersistenceOk(facts: PersistenceFacts): boolean | null {
  if (facts.unknown) return null
  return facts.aofEnabled && facts.aofRewriteOk && facts.aofWriteOk && facts.rdbSaveOk
}
