/* A guest on a folder of its own, its agent in this process and its redis-server real; what it would say to a broker is kept here. */

import { randomInt, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { systemClock } from '../../common/clock.js'
import { createLogger } from '../../common/log.js'
import { identify, isAlive, readPidFile } from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'
import type { Token } from '../../domain/fencing/token.js'
import { type Endpoint, REDIS_PORT } from '../../domain/instance/endpoint.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import { type Agent, openAgent } from '../../guestagent/agent.js'
import { guestPaths } from '../../guestagent/paths.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import type { AgentSeed } from '../../wire/agent/seed.js'
import type { Handlers } from '../../wire/contract.js'
import { type GuestSpec, guestSpecSchema } from '../../wire/host/guest.js'
import type { GuestMessaging } from '../../wire/messaging.js'
import { tellLogs, witness } from './evidence.js'

export const PASSWORD = 'application-password-1'
export const CREDENTIALS = { application: [PASSWORD], replication: 'replication-password' }

/** An address of its own, as an instance has: nobody listens on it now. */
export async function freeEndpoint(): Promise<Endpoint> {
  const part = () => randomInt(1, 255)
  const endpoint = { host: `127.${randomInt(120, 250)}.${part()}.${part()}`, port: REDIS_PORT }
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(endpoint, () => probe.close(() => resolve(true)))
  })
  return isFree ? endpoint : freeEndpoint()
}

export function anAssignment(facts: Partial<Assignment> = {}): Assignment {
  return { setId: randomUUID(), epoch: 1, role: 'source', source: null, credentials: CREDENTIALS, ...facts }
}

/** Of a small Redis 7.0, wherever it is put. */
export function aGuestSpec(facts: Pick<GuestSpec, 'endpoint'> & Partial<GuestSpec>): GuestSpec {
  return guestSpecSchema.parse({
    instanceId: randomUUID(),
    assignment: anAssignment(),
    sealKey: '0'.repeat(64),
    maxMemoryBytes: 64 * 1024 * 1024,
    volumeGb: 1,
    ...facts,
  })
}

/** A fresh token of one operation; a step name each. */
export function tokens(epoch: number, attempt = 1, operationId = randomUUID()): (step: string) => Token {
  return (step) => ({ operationId, step, epoch, attempt })
}

export interface Guest {
  readonly seed: AgentSeed
  readonly endpoint: Endpoint
  readonly paths: ReturnType<typeof guestPaths>
  /** All reports so far, oldest first, over every agent of this guest. */
  readonly reports: Observation[]
  readonly handlers: Handlers<typeof guestAgent>
  /** What the control plane would answer; null as while an operation holds the instance. */
  answer: Assignment | null
  /** What an answer waits for. */
  beforeAnswer: () => Promise<unknown>
  /** How often it was asked. */
  asked(): number
  openAgent(): Promise<void>
  /** Told that it leads, as by the last step of its creation; that starts its server. */
  beSource(): Promise<void>
  /** Without the server: as the agent's death, but that the folder is given free. */
  closeAgent(options?: { withServer: boolean }): Promise<void>
  until(what: string, done: (seen: Observation) => boolean, timeoutMs?: number): Promise<Observation>
  /** The agent says that it serves, is linked when it is a replica, and takes writes when it is a source. */
  ready(timeoutMs?: number): Promise<Observation>
  serverPid(): number
  /** `username`: of another account than the application's. */
  client(password?: string, username?: string): Redis
  /** Over the agent's own account. */
  root(): Redis
  /** Ends agent and server and removes the folder. */
  remove(): Promise<void>
}

type GuestFacts = Partial<AgentSeed> & { readonly endpoint?: Endpoint; readonly maxMemoryBytes?: number }

/** A guest that has not started yet. */
export async function newGuest(
  assignment: Assignment,
  { maxMemoryBytes, ...facts }: GuestFacts = {},
): Promise<Guest> {
  const endpoint = facts.endpoint ?? (await freeEndpoint())
  const dir = facts.dir ?? mkdtempSync(join(tmpdir(), 'redtrove-guest-'))
  const seed: AgentSeed = {
    amqpUrlFile: join(dir, 'amqp-url'),
    redisServer: 'redis-server',
    heartbeatMs: 200,
    replicationStrategy: 'redis-sync',
    disklessSync: true,
    disklessSyncDelaySeconds: 0,
    logLevel: 'silent',
    ...facts,
    dir,
    spec: aGuestSpec({ endpoint, assignment, ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }) }),
  }
  mkdirSync(dir, { recursive: true })
  const paths = guestPaths(dir)
  const [reports, clients]: [Observation[], Redis[]] = [[], []]
  const forget = witness(`guest on ${dir}`, () => `${JSON.stringify(reports.at(-1))}\n${tellLogs(dir)}`)
  let agent: Agent | null = null
  let handlers: Handlers<typeof guestAgent> | null = null
  let asked = 0

  const messaging: GuestMessaging = {
    connected: () => true,
    serve: (given) => {
      handlers = given
    },
    report: (observation) => void reports.push(observation),
    ask: {
      assignmentOf: async () => {
        asked += 1
        await guest.beforeAnswer()
        return { assignment: guest.answer }
      },
    },
    onConnected: (handler) => handler(),
    close: async () => undefined,
  }
  const connect = (options: { username?: string; password: string }) => {
    const client = new Redis({ ...endpoint, ...options, maxRetriesPerRequest: 0, retryStrategy: () => 50 })
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }

  const guest: Guest = {
    seed,
    endpoint,
    paths,
    reports,
    answer: null,
    beforeAnswer: async () => undefined,
    asked: () => asked,
    get handlers() {
      if (!handlers) throw new Error('the agent does not run')
      return handlers
    },
    openAgent: async () => {
      const log = createLogger('guestagent', seed.logLevel)
      agent = await openAgent({ seed, messaging, clock: systemClock, log })
    },
    beSource: async () => {
      const { assignment } = guest.seed.spec
      await guest.handlers.assume({ token: tokens(assignment.epoch)('tell it its role'), assignment })
    },
    closeAgent: async ({ withServer } = { withServer: false }) => {
      await agent?.close({ withServer: () => withServer })
      agent = null
    },
    until: (what, done, timeoutMs = 15_000) =>
      waitUntil(what, () => guest.handlers.inspect({}).then(({ observation }) => observation), done, {
        timeoutMs,
        pollMs: 10,
      }),
    ready: (timeoutMs) =>
      guest.until(
        'the guest serves its role',
        (seen) => {
          if (seen.service !== 'running' || seen.fault !== null) return false
          return seen.role === 'replica' ? seen.link === 'up' : seen.fenced === false
        },
        timeoutMs,
      ),
    serverPid: () => readPidFile(paths.serverPid)?.pid ?? 0,
    client: (password = PASSWORD, username) => connect({ password, ...(username ? { username } : {}) }),
    root: () => connect({ username: 'agent', password: readFileSync(paths.agentSecret, 'utf8').trim() }),
    remove: async () => {
      forget()
      for (const client of clients) client.disconnect()
      await agent?.close({ withServer: () => false })
      await killServer(paths.serverPid)
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return guest
}

async function killServer(pidFile: string): Promise<void> {
  const noted = readPidFile(pidFile)
  const server = noted ? identify(noted.pid) : null
  if (!noted || !server || server.startTime !== noted.startTime) return
  process.kill(server.pid, 'SIGKILL')
  await waitUntil(
    'redis-server is gone',
    () => isAlive(server),
    (alive) => !alive,
    { timeoutMs: 5_000 },
  )
}

/** The guests of one test file; `removeAll` belongs into afterEach. */
export function guestYard() {
  const guests: Guest[] = []
  return {
    guest: async (...given: Parameters<typeof newGuest>) => {
      const guest = await newGuest(...given)
      guests.push(guest)
      return guest
    },
    /** A source that takes writes. */
    source: async (facts: Partial<Assignment> = {}, more: GuestFacts = {}) => {
      const guest = await newGuest(anAssignment(facts), more)
      guests.push(guest)
      await guest.openAgent()
      await guest.beSource()
      await guest.ready()
      return guest
    },
    /** A replica with its link up. */
    replicaOf: async (
      source: Guest,
      facts: Partial<Assignment> = {},
      more: GuestFacts = {},
      timeoutMs?: number,
    ) => {
      const { setId, epoch } = source.seed.spec.assignment
      const guest = await newGuest(
        anAssignment({ setId, epoch, role: 'replica', source: source.endpoint, ...facts }),
        more,
      )
      guest.answer = guest.seed.spec.assignment
      guests.push(guest)
      await guest.openAgent()
      await guest.ready(timeoutMs)
      return guest
    },
    removeAll: async () => {
      await Promise.all(guests.splice(0).map((guest) => guest.remove()))
    },
  }
}
