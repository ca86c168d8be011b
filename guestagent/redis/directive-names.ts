/* Which directives a server of some version knows, and what it calls them. */

import { isAtLeast } from '../../domain/datastore/server-version.js'
import type { Capabilities } from './capabilities.js'
import type { Directive } from './directive.js'

/** First versions of directives that are younger than 2.8. */
const SINCE: Readonly<Record<string, string>> = {
  'protected-mode': '3.2.0',
  supervised: '3.2.0',
  'aof-use-rdb-preamble': '4.0.0',
  'always-show-logo': '4.0.0',
  'replica-announce-ip': '3.2.2',
  'replica-announce-port': '3.2.2',
  'repl-diskless-sync': '2.8.18',
  'repl-diskless-sync-delay': '2.8.18',
  'repl-diskless-sync-max-replicas': '7.0.0',
  'repl-diskless-load': '6.0.0',
  'aof-load-truncated': '2.8.15',
  'maxmemory-clients': '7.0.0',
  user: '6.0.0',
  masteruser: '6.0.0',
  'sanitize-dump-payload': '6.2.0',
  'enable-protected-configs': '7.0.0',
  'enable-debug-command': '7.0.0',
  'enable-module-command': '7.0.0',
  'shutdown-timeout': '7.0.0',
  appenddirname: '7.0.0',
}

/** Names that Redis 5 changed, newest to oldest. */
const NAMES_BEFORE_5: Readonly<Record<string, string>> = {
  replicaof: 'slaveof',
  'replica-read-only': 'slave-read-only',
  'replica-serve-stale-data': 'slave-serve-stale-data',
  'replica-announce-ip': 'slave-announce-ip',
  'replica-announce-port': 'slave-announce-port',
  'repl-ping-replica-period': 'repl-ping-slave-period',
  'min-replicas-to-write': 'min-slaves-to-write',
  'min-replicas-max-lag': 'min-slaves-max-lag',
}

const NEWEST_NAMES = new Map(Object.entries(NAMES_BEFORE_5).map(([newest, old]) => [old, newest]))

/** The newest name of a directive, whatever its age. */
export function canonicalName(name: string): string {
  return NEWEST_NAMES.get(name) ?? name
}

/** A directive's name on this server. */
export function nameFor(name: string, can: Capabilities): string {
  return can.replicaNames ? name : (NAMES_BEFORE_5[name] ?? name)
}

/** The directives this server knows, by the names it knows. */
export function forVersion(directives: readonly Directive[], can: Capabilities): readonly Directive[] {
  return directives
    .filter(([name]) => isAtLeast(can.version, SINCE[name] ?? '0.0.0'))
    .map(([name, ...args]): Directive => {
      const words =
        name === 'client-output-buffer-limit' && !can.replicaNames
          ? args.map((word) => (word === 'replica' ? 'slave' : word))
          : args
      return [nameFor(name, can), ...words]
    })
}
