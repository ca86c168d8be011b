/*
 * Accounts of a managed server. `default` is the application, so that a client needs only a password; `replication` is what the
 * replicas log in with; `agent` is this agent, over the unix socket. Rules are written so that both 6 and 7 accept them:
 * 6 can only add single subcommands to a command that is taken away, 7 refuses the name of a subcommand it does not know.
 */

import { createHash } from 'node:crypto'
import { isAtLeast } from '../../domain/datastore/server-version.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import { passwordHash } from '../../wire/agent/password-hash.js'
import type { Capabilities } from './capabilities.js'
import type { Directive } from './directive.js'

/** This agent's account. */
export const AGENT_USER = 'agent'
/** What the replicas of this server log in with. */
export const REPLICATION_USER = 'replication'
/** The account of clients that give a password alone. */
export const APPLICATION_USER = 'default'

/** @dangerous or @admin by Redis's own table, but of use to an application and without power over the service. */
const GIVEN_BACK = [
  'info',
  'keys',
  'flushall',
  'flushdb',
  'sort',
  'role',
  'swapdb',
  'lastsave',
  'restore',
  'slowlog',
  'latency',
] as const
const GIVEN_BACK_7 = ['sort_ro', 'client|list'] as const
/**
 * Those of CLIENT that concern the caller's own connection, or only read. Before 7 the whole of CLIENT is @admin. UNBLOCK is on no
 * version's list: given the id of a client that a promote makes wait, every server from 6.2 on (Valkey too) panics and ends.
 */
const CLIENT_6 = ['id', 'setname', 'getname', 'list', 'reply', 'tracking', 'caching', 'getredir'] as const
const CLIENT_6_2 = ['info', 'trackinginfo'] as const
/** All of SCRIPT but DEBUG, which freezes the server for the length of a session, or forks one that outlives it, for any client. */
const SCRIPT_6 = ['exists', 'flush', 'kill', 'load'] as const

/** What an application may do: everything but what would undo the service (decision: no CONFIG, REPLICAOF, SHUTDOWN, CLIENT PAUSE …). */
export function applicationRules(can: Capabilities): readonly string[] {
  const rules = ['+@all', '-@admin', '-@dangerous', ...GIVEN_BACK.map((name) => `+${name}`)]
  if (can.aclSubcommands) {
    rules.push(...GIVEN_BACK_7.map((name) => `+${name}`))
    // Read-only ones of ACL are @slow only; of these only the question "who am I" is for applications.
    rules.push('-acl', '+acl|whoami', '-script|debug')
  } else {
    rules.push('-client', ...CLIENT_6.map((name) => `+client|${name}`))
    if (can.aclChannels) rules.push(...CLIENT_6_2.map((name) => `+client|${name}`))
    rules.push('-acl', '+acl|whoami', '-script', ...SCRIPT_6.map((name) => `+script|${name}`))
  }
  return [...everyKey(can), ...rules]
}

/** Just enough to follow this server. */
export const REPLICATION_RULES: readonly string[] = ['+psync', '+replconf', '+ping']

/** The rule that adds a password, or what is its hash already, without it being readable in the file or in a log. */
export function passwordRule(password: string): string {
  return passwordHash(password)
}

/** Rules of the passwords that replicas may log in with. */
export function replicationPasswords({ replication, replicationBefore }: Credentials): readonly string[] {
  return [replication, ...(replicationBefore ? [replicationBefore] : [])].map(passwordRule)
}

/** Full rule lists by user, each starting from nothing, for `user` lines and for ACL SETUSER alike. */
export function accountRules(
  can: Capabilities,
  credentials: Credentials,
  agentPassword: string,
): ReadonlyMap<string, readonly string[]> {
  const channels = can.aclChannels ? ['resetchannels'] : []
  return new Map([
    [
      APPLICATION_USER,
      ['reset', 'on', ...credentials.application.map(passwordRule), ...applicationRules(can)],
    ],
    [
      REPLICATION_USER,
      ['reset', 'on', ...replicationPasswords(credentials), ...channels, ...REPLICATION_RULES],
    ],
    [AGENT_USER, ['reset', 'on', passwordRule(agentPassword), ...everyKey(can), '+@all']],
  ])
}

/** `user` lines of redis.conf. */
export function aclDirectives(
  can: Capabilities,
  credentials: Credentials,
  agentPassword: string,
): readonly Directive[] {
  return [...accountRules(can, credentials, agentPassword)].map(([user, rules]) => ['user', user, ...rules])
}

/**
 * Commands that a server without users hides behind a name that only the agent knows. PSYNC and REPLCONF must keep theirs. SCRIPT goes
 * whole, for its DEBUG cannot be taken away alone; EVALSHA goes on to work for what EVAL ran before.
 */
const HIDDEN = [
  ['config', '2.0'],
  ['slaveof', '2.0'],
  ['replicaof', '5.0'],
  ['shutdown', '2.0'],
  ['debug', '2.0'],
  ['save', '2.0'],
  ['bgsave', '2.0'],
  ['bgrewriteaof', '2.0'],
  ['migrate', '2.6'],
  ['cluster', '3.0'],
  ['script', '3.2'],
  ['module', '4.0'],
] as const

/** Names of the hidden commands on a server without users; empty where ACLs do the work. */
export function hiddenCommands(can: Capabilities, agentPassword: string): ReadonlyMap<string, string> {
  if (can.acl) return new Map()
  const known = HIDDEN.filter(([, since]) => isAtLeast(can.version, since))
  return new Map(known.map(([name]) => [name, secretName(name, agentPassword)]))
}

function secretName(command: string, agentPassword: string): string {
  return `${command}-${createHash('sha256').update(`${command}:${agentPassword}`).digest('hex').slice(0, 32)}`
}

function everyKey(can: Capabilities): readonly string[] {
  return can.aclChannels ? ['~*', '&*'] : ['~*']
}
