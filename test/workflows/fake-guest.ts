/*
 * One agent with its redis-server, in memory, as the contract has it: tokens are refused when they are lower than one seen, kept
 * outcomes are given again, a pause runs out, a replica copies its source's history. Clients write whenever they are let.
 */

import { randomUUID } from 'node:crypto'
import { RedtroveError } from '../../common/errors.js'
import type { Token } from '../../domain/fencing/token.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import type { Machine } from '../../taskmanager/compute/compute.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import type { Handlers } from '../../wire/contract.js'
import { observed } from '../harness/observed.js'
import type { VirtualClock } from './virtual-clock.js'

const BYTES_A_WRITE = 50

export class FakeGuest {
  /** Processes run. `fenced`: killed by the provider, not started again. */
  process: 'running' | 'fenced' = 'running'
  /** The agent takes no calls; its redis-server goes on. */
  agentGone = false
  /** Nothing of the host moves. */
  hostGone = false
  /** Its redis-server runs and answers nobody. */
  stuck = false
  stopped = false
  /** Its data cannot be loaded, until an older state is accepted. */
  damaged = false
  role: 'source' | 'replica' = 'source'
  following: Endpoint | null = null
  writesFenced = true
  replicationId: string = randomUUID()
  replicationId2: string | null = null
  /** Every write it holds, in order. */
  data: string[] = []
  syncFull = 0
  restarts = 0
  tunedFor = 0
  /** Started and not told yet what it is. */
  asks = false
  credentials: Credentials
  accepted: Assignment
  private highest: { epoch: number; attempt: number }
  private pausedUntilMs = 0
  private wroteSincePause = false
  private readonly outcomes = new Map<string, boolean>()

  constructor(
    readonly id: InstanceId,
    readonly endpoint: Endpoint,
    machine: Machine,
    private readonly peers: () => readonly FakeGuest[],
    private readonly clock: VirtualClock,
  ) {
    this.accepted = machine.assignment
    this.credentials = machine.assignment.credentials
    this.highest = { epoch: machine.assignment.epoch, attempt: 0 }
    if (machine.assignment.role === 'replica') this.beReplicaOf(machine.assignment.source)
  }

  get serves(): boolean {
    return this.process === 'running' && !this.hostGone && !this.stopped && !this.stuck
  }

  get answers(): boolean {
    return this.process === 'running' && !this.hostGone && !this.agentGone
  }

  get takesWrites(): boolean {
    return (
      this.serves && this.role === 'source' && !this.writesFenced && this.clock.now() >= this.pausedUntilMs
    )
  }

  write(id: string): boolean {
    if (!this.takesWrites) return false
    this.data.push(id)
    this.wroteSincePause = true
    return true
  }

  /** The source that it hears now; two that follow each other hear nobody. */
  upstream(depth = 0): FakeGuest | null {
    if (!this.following || !this.serves || depth > 8) return null
    const to = this.peers().find(
      ({ endpoint }) => endpoint.host === this.following?.host && endpoint.port === this.following.port,
    )
    if (!to?.serves) return null
    return to.role === 'source' || to.upstream(depth + 1) ? to : null
  }

  /** Copies what its source has: from where it is if the history is one, else all of it. */
  copy(): void {
    const from = this.upstream()
    if (!from) return
    const sameHistory =
      [from.replicationId, from.replicationId2].includes(this.replicationId) &&
      this.data.every((one, index) => from.data[index] === one)
    if (!sameHistory) this.syncFull += 1
    this.data = [...from.data]
    if (this.replicationId !== from.replicationId) {
      this.replicationId2 = this.replicationId
      this.replicationId = from.replicationId
    }
  }

  /** Comes up again from its own disk, fenced until it is told what it is. */
  reboot(): void {
    this.process = 'running'
    this.hostGone = false
    this.agentGone = false
    this.stuck = false
    this.stopped = false
    this.writesFenced = true
    this.asks = true
  }

  /** An answer to its question, refused like a command when it is older than what it knows. */
  hear(assignment: Assignment): void {
    if (assignment.epoch < this.highest.epoch) return
    this.highest = { epoch: assignment.epoch, attempt: Math.max(0, this.highest.attempt) }
    this.assume(assignment)
  }

  observe(): Observation {
    const up = this.upstream() !== null
    const isReplica = this.role === 'replica'
    const { setId, epoch, role, source } = this.accepted
    const accepted = { setId, epoch, attempt: this.highest.attempt, role, source }
    if (this.stuck) return { ...NOTHING_SEEN, service: 'unresponsive', fault: 'It answers nobody.', accepted }
    return {
      ...NOTHING_SEEN,
      service: this.stopped ? 'stopped' : 'running',
      role: this.stopped ? null : this.role,
      fenced: this.writesFenced,
      replicationId: this.replicationId,
      replicationId2: this.replicationId2,
      offset: this.data.length * BYTES_A_WRITE + 1,
      following: this.following,
      link: isReplica ? (up ? 'up' : 'down') : null,
      linkDownMs: isReplica ? (up ? 0 : 1_000) : null,
      lastIoSecondsAgo: isReplica ? (up ? 0 : -1) : null,
      syncFull: this.syncFull,
      persistenceOk: true,
      damaged: this.damaged,
      fault: this.damaged ? 'Its data cannot be loaded: a file is damaged.' : null,
      accepted,
    }
  }

  readonly handlers: Handlers<typeof guestAgent> = {
    inspect: async () => ({ observation: this.observe() }),
    assume: async ({ token, assignment }) => {
      this.accept(token)
      const key = `${token.operationId}/${token.step}`
      const kept = this.outcomes.get(key)
      if (kept !== undefined) return { observation: this.observe(), writesFrozen: kept }
      const writesFrozen = this.clock.now() < this.pausedUntilMs && !this.wroteSincePause
      this.assume(assignment)
      this.outcomes.set(key, writesFrozen)
      return { observation: this.observe(), writesFrozen }
    },
    pauseWrites: async ({ token, pauseMs }) => {
      this.accept(token)
      this.pausedUntilMs = this.clock.now() + pauseMs
      this.wroteSincePause = false
      const { replicationId, offset } = this.observe()
      return { replicationId: replicationId ?? '', offset: offset ?? 0 }
    },
    resumeWrites: async ({ token }) => {
      this.accept(token)
      this.pausedUntilMs = 0
      return {}
    },
    waitForOffset: async ({ token, offset, replicationId }) => {
      this.accept(token)
      this.copy()
      const seen = this.observe()
      const reached = (seen.offset ?? 0) >= offset && seen.replicationId === replicationId
      return { reached, offset: seen.offset ?? 0, replicationId: seen.replicationId ?? '' }
    },
    severLink: async ({ token }) => {
      this.accept(token)
      return { observation: this.observe() }
    },
    tuneSync: async ({ token, replicaCount }) => {
      this.accept(token)
      this.tunedFor = replicaCount
      return {}
    },
    setCredentials: async ({ token, credentials }) => {
      this.accept(token)
      this.credentials = credentials
      return {}
    },
    restartServer: async ({ token, assignment, acceptOlderData = false }) => {
      this.accept(token)
      if (this.damaged && !acceptOlderData) throw new RedtroveError('guest_failed', 'It is damaged.')
      this.damaged = false
      this.restarts += 1
      this.stopped = false
      this.stuck = false
      if (assignment) this.assume(assignment)
      return { observation: this.observe() }
    },
    stopServer: async ({ token }) => {
      this.accept(token)
      this.stopped = true
      return {}
    },
  }

  private accept({ epoch, attempt }: Token): void {
    const { highest } = this
    if (epoch < highest.epoch || (epoch === highest.epoch && attempt < highest.attempt))
      throw new RedtroveError(
        'stale_epoch',
        `${epoch}/${attempt} is lower than ${highest.epoch}/${highest.attempt}.`,
      )
    this.highest = { epoch, attempt }
  }

  private assume(assignment: Assignment): void {
    this.accepted = assignment
    this.asks = false
    this.credentials = assignment.credentials
    this.pausedUntilMs = 0
    if (assignment.role === 'replica') {
      this.beReplicaOf(assignment.source)
      return
    }
    if (this.role === 'replica') {
      this.replicationId2 = this.replicationId
      this.replicationId = randomUUID()
    }
    this.role = 'source'
    this.following = null
    this.writesFenced = assignment.role === 'ejected'
  }

  private beReplicaOf(source: Endpoint | null): void {
    this.role = 'replica'
    this.following = source
    this.writesFenced = true
  }
}

const NOTHING_SEEN = observed({
  role: null,
  fenced: null,
  replicationId: null,
  offset: null,
  memoryUsedBytes: null,
  memoryMaxBytes: null,
  keys: null,
  clients: null,
  diskUsedBytes: null,
  diskFreeBytes: null,
  persistenceOk: null,
  emptied: false,
})
