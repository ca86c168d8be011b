import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Clock } from '../../../common/clock.js'
import { createLogger } from '../../../common/log.js'
import type { Observation } from '../../../domain/instance/observation.js'
import { type Heartbeat, startHeartbeat } from '../../../guestagent/observe/heartbeat.js'
import { watchLog } from '../../../guestagent/observe/log-watch.js'
import { useMeter } from '../../../guestagent/observe/use-meter.js'
import { observed } from '../../harness/observed.js'

const log = createLogger('test', 'silent')
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A clock whose time passes as soon as everybody sleeps. */
function hastyClock(): Clock {
  let nowMs = 0
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      await new Promise((resolve) => setImmediate(resolve))
      nowMs += ms
    },
  }
}

interface Given {
  readonly seen?: Partial<Observation>
  readonly unused?: boolean
  readonly watched?: boolean
  /** Called at each look, with its number. */
  readonly at?: (look: number, heartbeat: Heartbeat) => void
}

/** When a heartbeat of one second looks, and when it reports, within `lengthMs`. */
async function looksWithin(lengthMs: number, { seen = {}, unused = true, watched = true, at }: Given) {
  const clock = hastyClock()
  const looks: number[] = []
  const reports: number[] = []
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const heartbeat = startHeartbeat({
    observer: {
      look: async () => {
        if (clock.monotonicMs() > lengthMs) end()
        else looks.push(clock.monotonicMs())
        at?.(looks.length, heartbeat)
        return observed(seen)
      },
      isUnused: () => unused,
      isReplica: () => seen.role === 'replica',
      linkChanged: async () => false,
    },
    server: { check: () => undefined } as Parameters<typeof startHeartbeat>[0]['server'],
    report: () => reports.push(clock.monotonicMs()),
    watch: () => ({ works: () => watched, close: () => undefined }),
    heartbeatMs: 1_000,
    clock,
    log,
  })
  await ended
  await heartbeat.stop()
  return { looks, reports: reports.filter((atMs) => atMs <= lengthMs) }
}

const between = (times: readonly number[], fromMs: number, toMs: number) =>
  times.filter((atMs) => atMs >= fromMs && atMs < toMs).length

it('a server at rest is looked at once a second, and reported as often as ever', async () => {
  const { looks, reports } = await looksWithin(20_000, {})
  expect(between(looks, 10_000, 20_000)).toBe(10)
  expect(between(reports, 10_000, 20_000)).toBe(10)
})

it.each<[string, Given]>([
  ['in use', { unused: false }],
  ['whose log the kernel does not tell of', { watched: false }],
  ['with a fault', { seen: { fault: 'The disk is full.' } }],
  ['that loads', { seen: { service: 'loading' } }],
  ['without its source', { seen: { role: 'replica', link: 'down' } }],
  [
    'with a replica that copies',
    {
      seen: {
        connectedReplicas: [
          { host: '127.0.0.2', port: 6379, state: 'wait_bgsave', offset: 0, lagSeconds: null },
        ],
      },
    },
  ],
])('a server %s is looked at five times a second', async (_, given) => {
  const { looks } = await looksWithin(20_000, given)
  expect(between(looks, 10_000, 20_000)).toBe(50)
})

it('what stirs a server at rest makes its agent look within a fifth of a second, and often for a while', async () => {
  const { looks } = await looksWithin(40_000, { at: (look, heartbeat) => look === 30 && heartbeat.stir() })
  const stirredMs = looks[29] ?? 0
  expect(between(looks, stirredMs - 5_000, stirredMs)).toBe(5)
  expect((looks[30] ?? 0) - stirredMs).toBe(200)
  expect(between(looks, stirredMs, stirredMs + 3_000)).toBe(15)
  expect(between(looks, stirredMs + 5_000, stirredMs + 10_000)).toBe(5)
})

it('the commands of agent and replicas are no use; one client more is', () => {
  let nowMs = 0
  const meter = useMeter({ now: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined })
  const replica = { host: '127.0.0.2', port: 6379, state: 'online', offset: 0, lagSeconds: 0 }
  let commandsProcessed = 0
  const look = (commands: number, serverPid = 7) => {
    nowMs += 1_000
    commandsProcessed += commands
    meter.note({ serverPid, commandsProcessed, connectedReplicas: [replica, replica] })
    return meter.isUnused()
  }
  expect(look(0)).toBe(false)
  expect(look(10)).toBe(true)
  expect(look(100)).toBe(false)
  expect(look(10)).toBe(true)
  // Another process, another count.
  expect(look(0, 8)).toBe(false)
})

it('each line in a log is told, also after the log was cut', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redtrove-test-'))
  folders.push(folder)
  const path = join(folder, 'redis.log')
  let told: () => void = () => undefined
  const watch = watchLog(path, () => told(), log)
  expect(watch.works()).toBe(true)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  for (const line of ['first\n', 'second\n']) {
    const written = new Promise<void>((resolve) => {
      told = resolve
    })
    appendFileSync(path, line)
    await written
  }
  watch.close()
})

it('a log that cannot be watched is said to be so, and nothing throws', () => {
  const said: string[] = []
  const watch = watchLog('/nowhere/redis.log', () => undefined, {
    ...log,
    warn: (_: unknown, words: string) => said.push(words),
  } as unknown as typeof log)
  expect(watch.works()).toBe(false)
  expect(said).toHaveLength(1)
  watch.close()
})
