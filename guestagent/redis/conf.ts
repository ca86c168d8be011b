/*
 * redis.conf in layers, as in Trove: base template, system overrides, the user's configuration group, system overrides after it.
 * A later layer that names a directive replaces all its lines of earlier layers, so the last layer is what a user cannot undo.
 * Directives carry their newest names here; `forVersion` writes the names a server knows and leaves out what it does not.
 */

import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import { AGENT_USER, aclDirectives, hiddenCommands, REPLICATION_USER } from './acl.js'
import type { Capabilities } from './capabilities.js'
import { RESERVED_CONNECTIONS } from './client-list.js'
import type { Directive } from './directive.js'
import { canonicalName, forVersion } from './directive-names.js'
import { memoryDirectives } from './memory-directives.js'

/** More replicas than any server has: writes are out of reach while `min-replicas-to-write` says this. */
export const FENCE_REPLICAS = 1_000_000

/** Seconds between a source's pings; the unit in which a replica notices that its source is gone. */
export const PING_PERIOD_SECONDS = 1

/** All that decides the text of one instance's redis.conf. */
export interface ConfInput {
  readonly can: Capabilities
  readonly assignment: Assignment
  readonly endpoint: Endpoint
  readonly dataDir: string
  readonly socket: string
  readonly pidFile: string
  readonly agentPassword: string
  /** Memory for data; what else the server takes comes on top. 0 is no limit. */
  readonly dataBytes: number
  /** Connections of the flavor, without the reserve. */
  readonly connectionsMax: number
  /** Directives of the replication strategy for this role. */
  readonly replication: readonly Directive[]
  /** The user's configuration group. */
  readonly user: readonly Directive[]
  /** False only for the start out of an RDB file after a clean stop; the agent switches it on before the fence goes. */
  readonly appendOnly: boolean
}

/** The whole file: the four layers merged and written for the server's version. */
export function confOf(input: ConfInput): readonly Directive[] {
  return forVersion(mergeLayers([BASE, systemLayer(input), input.user, lastLayer(input)]), input.can)
}

const BASE: readonly Directive[] = [
  ['databases', '16'],
  ['tcp-backlog', '511'],
  ['tcp-keepalive', '300'],
  ['timeout', '0'],
  ['loglevel', 'notice'],
  ['hz', '10'],
  ['save', '900', '1'],
  ['save', '300', '10'],
  ['save', '60', '10000'],
  ['stop-writes-on-bgsave-error', 'yes'],
  ['rdbcompression', 'yes'],
  ['rdbchecksum', 'yes'],
  ['auto-aof-rewrite-percentage', '100'],
  ['auto-aof-rewrite-min-size', '64mb'],
  ['aof-load-truncated', 'yes'],
  ['aof-use-rdb-preamble', 'yes'],
  ['maxmemory-policy', 'noeviction'],
  ['client-output-buffer-limit', 'pubsub', '32mb', '8mb', '60'],
  ['repl-backlog-ttl', '3600'],
  ['replica-serve-stale-data', 'yes'],
]

function systemLayer({ dataBytes, can, replication }: ConfInput): readonly Directive[] {
  return [...memoryDirectives(dataBytes, can), ...replication]
}

/** What nobody may change: place, accounts, persistence, the fence, and the role. */
function lastLayer(input: ConfInput): readonly Directive[] {
  const { endpoint, can } = input
  const persistence: readonly Directive[] = [
    ['appendonly', input.appendOnly ? 'yes' : 'no'],
    ['appendfsync', 'everysec'],
    ['appendfilename', 'appendonly.aof'],
    ['appenddirname', 'appendonlydir'],
    ['dbfilename', 'dump.rdb'],
  ]
  const protection: readonly Directive[] = [
    ['protected-mode', 'yes'],
    ['enable-protected-configs', 'no'],
    ['enable-debug-command', 'no'],
    ['enable-module-command', 'no'],
    ['sanitize-dump-payload', 'clients'],
    ['min-replicas-to-write', String(FENCE_REPLICAS)],
    ['min-replicas-max-lag', '10'],
  ]
  const place: readonly Directive[] = [
    ['bind', endpoint.host],
    ['port', String(endpoint.port)],
    ['unixsocket', input.socket],
    ['unixsocketperm', '700'],
    ['dir', input.dataDir],
    ['pidfile', input.pidFile],
    ['daemonize', 'no'],
    ['supervised', 'no'],
    ['logfile', ''],
    ['always-show-logo', 'no'],
    ['shutdown-timeout', '3'],
    ['maxclients', String(input.connectionsMax + RESERVED_CONNECTIONS)],
  ]
  const link: readonly Directive[] = [
    ['repl-ping-replica-period', String(PING_PERIOD_SECONDS)],
    ['repl-timeout', '10'],
    ['replica-announce-ip', endpoint.host],
    ['replica-announce-port', String(endpoint.port)],
    ['replica-read-only', 'yes'],
  ]
  const role = roleDirectives(input)
  return [...place, ...persistence, ...protection, ...link, ...accountDirectives(can, input), ...role]
}

function roleDirectives({ assignment }: ConfInput): readonly Directive[] {
  if (assignment.role !== 'replica' || assignment.source === null) return []
  return [['replicaof', assignment.source.host, String(assignment.source.port)]]
}

function accountDirectives(
  can: Capabilities,
  { assignment, agentPassword }: ConfInput,
): readonly Directive[] {
  const { credentials } = assignment
  if (can.acl) {
    return [
      ...aclDirectives(can, credentials, agentPassword),
      ['masteruser', REPLICATION_USER],
      ['masterauth', credentials.replication],
    ]
  }
  const password = credentials.application[0] ?? ''
  const hidden = [...hiddenCommands(can, agentPassword)].map(
    ([name, secret]): Directive => ['rename-command', name, secret],
  )
  return [['requirepass', password], ['masterauth', password], ...hidden]
}

/** How the agent logs in: its own account, or the one password of a server without accounts. */
export function agentLogin(
  can: Capabilities,
  assignment: Assignment,
  agentPassword: string,
): { readonly username?: string; readonly password: string } {
  if (can.acl) return { username: AGENT_USER, password: agentPassword }
  return { password: assignment.credentials.application[0] ?? '' }
}

/** Layers as one list: a directive that a later layer names loses all lines it had before. Order of first mention is kept. */
export function mergeLayers(layers: readonly (readonly Directive[])[]): readonly Directive[] {
  const merged = new Map<string, readonly Directive[]>()
  for (const layer of layers) {
    const grouped = new Map<string, Directive[]>()
    for (const directive of layer) {
      const key = keyOf(directive)
      grouped.set(key, [...(grouped.get(key) ?? []), directive])
    }
    for (const [key, lines] of grouped) merged.set(key, lines)
  }
  return [...merged.values()].flat()
}

/** Old and new names are one directive; output buffer limits are one a client class. */
function keyOf([name, first]: Directive): string {
  if (name === 'client-output-buffer-limit') return `${name} ${first === 'slave' ? 'replica' : first}`
  return canonicalName(name)
}
