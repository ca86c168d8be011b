/* redis-servers without us: what a baseline is made of. Everything on the loopback, in a temporary folder, ended by process id. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { waitUntil } from '../common/wait-until.js'
import type { Endpoint } from '../domain/instance/endpoint.js'
import { freePort } from '../test/harness/free-port.js'

/** One redis-server with Redis' own defaults but for place, password and an append-only file. */
export interface RawServer {
  readonly endpoint: Endpoint
  readonly pid: number
  readonly admin: Redis
  stop(): Promise<void>
}

export const RAW_PASSWORD = 'baseline'
const OWN_NET = 15
let number = 0

/** Starts one and waits until it answers. `directives` come last in its configuration. */
export async function rawServer(directives: readonly string[] = []): Promise<RawServer> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-bench-'))
  // An address of its own for each, as our instances have it, so that nobody has to tell them apart by port.
  number += 1
  const endpoint = { host: `127.${OWN_NET}.${1 + (process.pid % 250)}.${number}`, port: 6379 }
  const conf = join(dir, 'redis.conf')
  const lines = [
    `bind ${endpoint.host}`,
    `port ${endpoint.port}`,
    `replica-announce-ip ${endpoint.host}`,
    `dir ${dir}`,
    'appendonly yes',
    `requirepass ${RAW_PASSWORD}`,
    `masterauth ${RAW_PASSWORD}`,
    ...directives,
  ]
  writeFileSync(conf, `${lines.join('\n')}\n`, { mode: 0o600 })
  const child = spawn('redis-server', [conf], { stdio: 'ignore' })
  const admin = new Redis({ ...endpoint, password: RAW_PASSWORD, maxRetriesPerRequest: null })
  admin.on('error', () => undefined)
  await waitUntil(
    'redis-server answers',
    () => admin.ping(),
    (said) => said === 'PONG',
    { timeoutMs: 10_000 },
  )
  return {
    endpoint,
    pid: child.pid ?? 0,
    admin,
    stop: async () => {
      admin.disconnect()
      await ended(child)
      // A fork that was writing its file ends a moment after its parent.
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    },
  }
}

/** Three sentinels that watch one source, as its documentation recommends them. */
export async function sentinels(
  source: Endpoint,
  downAfterMs: number,
): Promise<{ stop(): Promise<void>; readonly admin: Redis }> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-bench-'))
  const children: ChildProcess[] = []
  const admins: Redis[] = []
  for (const index of [0, 1, 2]) {
    const port = await freePort()
    const conf = join(dir, `sentinel-${index}.conf`)
    const lines = [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${dir}`,
      `sentinel monitor set ${source.host} ${source.port} 2`,
      `sentinel auth-pass set ${RAW_PASSWORD}`,
      `sentinel down-after-milliseconds set ${downAfterMs}`,
    ]
    writeFileSync(conf, `${lines.join('\n')}\n`, { mode: 0o600 })
    children.push(spawn('redis-server', [conf, '--sentinel'], { stdio: 'ignore' }))
    const admin = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
    admin.on('error', () => undefined)
    admins.push(admin)
  }
  for (const admin of admins) {
    await waitUntil(
      'a sentinel knows both other sentinels and both replicas',
      async () => String(await admin.info('sentinel')),
      (info) => /status=ok.*slaves=2,sentinels=3/.test(info),
      { timeoutMs: 30_000 },
    )
  }
  return {
    admin: admins[0] as Redis,
    stop: async () => {
      for (const admin of admins) admin.disconnect()
      await Promise.all(children.map(ended))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Makes `replica` follow `source` and waits for its link. */
export async function followRaw(replica: RawServer, source: RawServer): Promise<void> {
  await replica.admin.replicaof(source.endpoint.host, source.endpoint.port)
  await linkUp(replica, source.endpoint)
}

/** Waits until it says itself that its link to `source` is up. */
export async function linkUp(replica: RawServer, source: Endpoint, timeoutMs = 60_000): Promise<void> {
  await waitUntil(
    `the link to ${source.host} is up`,
    () => replica.admin.info('replication'),
    (info) => info.includes(`master_host:${source.host}\r`) && info.includes('master_link_status:up'),
    { timeoutMs, pollMs: 5 },
  )
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
