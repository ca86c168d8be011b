/*
 * Writers that keep a ledger: every acknowledged write is remembered with the time and the member that acknowledged it, so that
 * loss and gaps are counted, not guessed. A write is SADD of an id that is used once, so trying it again after an unknown
 * outcome is harmless.
 */

import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { messageOf } from '../common/errors.js'
import type { Endpoint } from '../domain/instance/endpoint.js'

/** Before the next member is tried. */
const REFUSED_PAUSE_MS = 2

/** A write that a server acknowledged. */
export interface Ack {
  readonly writer: number
  readonly id: string
  readonly member: string
  readonly atMs: number
}

/** Who writes, how much, and where. */
export interface WritersOptions {
  /** Addresses to try; the writers find out by themselves which one takes writes. May be changed while they write. */
  readonly members: () => readonly Endpoint[]
  readonly password: string
  readonly writers: number
  /** Stops by itself after so many acknowledged writes; without it, at `stop()`. */
  readonly total?: number
  /** Prefix of the sets that are written: `PREFIX:WRITER`. */
  readonly prefix: string
  /** An answer that takes longer counts as unknown. Milliseconds. */
  readonly commandTimeoutMs?: number
  /** Pause of each writer after each acknowledged write; without it, none. Milliseconds. */
  readonly paceMs?: number
}

/** All that was acknowledged. */
export interface Ledger {
  readonly acks: readonly Ack[]
  /** Answers by error code (READONLY, NOREPLICAS, ...) and `unknown` for time-outs and lost connections. */
  readonly refusals: Readonly<Record<string, number>>
}

/** Writers at work. */
export interface Writers {
  readonly ledger: Ledger
  /** Resolves when `total` is reached or after `stop()`. */
  readonly finished: Promise<Ledger>
  stop(): Promise<Ledger>
}

/** Starts writing at once. */
export function startWriters(options: WritersOptions): Writers {
  const acks: Ack[] = []
  const refusals: Record<string, number> = {}
  const state = { stopping: false }
  const enough = () => state.stopping || (options.total !== undefined && acks.length >= options.total)
  const loops = Array.from({ length: options.writers }, (_, writer) =>
    writeLoop(writer, options, enough, acks, refusals),
  )
  const ledger: Ledger = { acks, refusals }
  const finished = Promise.all(loops).then(() => ledger)
  return {
    ledger,
    finished,
    stop: () => {
      state.stopping = true
      return finished
    },
  }
}

async function writeLoop(
  writer: number,
  options: WritersOptions,
  enough: () => boolean,
  acks: Ack[],
  refusals: Record<string, number>,
): Promise<void> {
  const connections = new Map<string, Redis>()
  let turn = 0
  try {
    for (let n = 0; !enough(); n++) {
      const id = `${writer}:${n}`
      for (let acked = false; !acked && !enough(); ) {
        const members = options.members()
        const member = members[turn % Math.max(1, members.length)]
        const failure = member ? await tryWrite(connections, member, options, writer, id) : 'no member'
        if (member && failure === null) {
          acks.push({ writer, id, member: member.host, atMs: performance.now() })
          acked = true
          if (options.paceMs !== undefined) await setTimeout(options.paceMs)
        } else {
          refusals[failure ?? 'unknown'] = (refusals[failure ?? 'unknown'] ?? 0) + 1
          turn += 1
          await setTimeout(REFUSED_PAUSE_MS)
        }
      }
    }
  } finally {
    for (const connection of connections.values()) connection.disconnect()
  }
}

/** null when acknowledged, else why not: the server's error code, or `unknown`. */
async function tryWrite(
  connections: Map<string, Redis>,
  member: Endpoint,
  options: WritersOptions,
  writer: number,
  id: string,
): Promise<string | null> {
  try {
    const connection = await connectionTo(connections, member, options)
    await connection.sadd(`${options.prefix}:${writer}`, id)
    return null
  } catch (error) {
    const code = /^([A-Z]{4,})\b/.exec(error instanceof Error ? error.message : '')?.[1]
    if (!code) {
      connections.get(member.host)?.disconnect()
      connections.delete(member.host)
    }
    return code ?? 'unknown'
  }
}

async function connectionTo(
  connections: Map<string, Redis>,
  member: Endpoint,
  options: WritersOptions,
): Promise<Redis> {
  const known = connections.get(member.host)
  if (known) return known
  const timeoutMs = options.commandTimeoutMs ?? 300
  const connection = new Redis({
    host: member.host,
    port: member.port,
    password: options.password,
    lazyConnect: true,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
  })
  // Failures surface on the command; without a listener they would end the process.
  connection.on('error', () => undefined)
  connections.set(member.host, connection)
  await connection.connect()
  return connection
}

/** Longest time without an acknowledged write by anyone, and the longest that one writer waited, between two moments. Milliseconds. */
export function worstGaps(
  ledger: Ledger,
  fromMs: number,
  toMs: number,
): { readonly anyMs: number; readonly oneMs: number } {
  const within = ledger.acks.filter((ack) => ack.atMs >= fromMs && ack.atMs <= toMs)
  const byWriter = new Map<number, number[]>()
  for (const ack of within) pushTo(byWriter, ack.writer, ack.atMs)
  const oneMs = Math.max(0, ...[...byWriter.values()].map(worstGap))
  return { anyMs: worstGap(within.map((ack) => ack.atMs)), oneMs }
}

function worstGap(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  let worst = 0
  for (let i = 1; i < sorted.length; i++) worst = Math.max(worst, (sorted[i] ?? 0) - (sorted[i - 1] ?? 0))
  return worst
}

/** Acknowledged ids that a member does not hold now. */
export async function missingOn(
  member: Endpoint,
  password: string,
  prefix: string,
  ledger: Ledger,
): Promise<readonly string[]> {
  const redis = new Redis({
    host: member.host,
    port: member.port,
    password,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  redis.on('error', () => undefined)
  try {
    const writers = [...new Set(ledger.acks.map((ack) => ack.writer))]
    const held = new Set(
      (await Promise.all(writers.map((writer) => redis.smembers(`${prefix}:${writer}`)))).flat(),
    )
    return ledger.acks.filter((ack) => !held.has(ack.id)).map((ack) => ack.id)
  } catch (error) {
    throw new Error(
      `The server at ${member.host}:${member.port} did not say which writes it holds: ${messageOf(error)}`,
      { cause: error },
    )
  } finally {
    redis.disconnect()
  }
}

function pushTo(groups: Map<number, number[]>, key: number, value: number): void {
  const group = groups.get(key)
  if (group) group.push(value)
  else groups.set(key, [value])
}
