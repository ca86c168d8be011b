/*
 * A service without processes: guests, provider and broker in memory, the store for real (SQLite in memory). Every outgoing call of
 * a taskmanager goes through `outgoing`, which is where faults happen; before and after each of them clients try to write to every
 * instance, and what they see is held against the promises of the service.
 */

import { randomUUID } from 'node:crypto'
import { RedtroveError } from '../../common/errors.js'
import { keyRing } from '../../common/secrets/key-ring.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { OperationKind, OperationRequests } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'
import { connect } from '../../store/connect.js'
import { migrate } from '../../store/migrate.js'
import { openStore } from '../../store/open-store.js'
import { sealCredentials } from '../../store/sealed-credentials.js'
import type { InstanceFacts, Store } from '../../store/store.js'
import type { Compute } from '../../taskmanager/compute/compute.js'
import { answersFor } from '../../taskmanager/intake/questions.js'
import { guestAgent } from '../../wire/agent/commands.js'
import type { Client } from '../../wire/contract.js'
import { clockOf } from '../harness/database-clock.js'
import type { FakeGuest } from './fake-guest.js'
import { FakeProvider } from './fake-provider.js'
import type { Gate } from './gate.js'
import { VirtualClock } from './virtual-clock.js'

export const PROJECT = 'demo'
export const KEYS = keyRing(Buffer.alloc(32, 7))
export const CREDENTIALS = { application: ['first-password'], replication: 'replication-password' }

export class World {
  readonly guests = new Map<InstanceId, FakeGuest>()
  readonly queues = new Set<InstanceId>()
  brokerAway = false
  /** Acknowledged writes by the set whose source took them. */
  readonly acknowledged = new Map<string, string[]>()
  private readonly provider = new FakeProvider(this)
  /** Guests whose host is to be emptied; a move takes one off. */
  readonly leaving = this.provider.leaving
  readonly violations: string[] = []
  private lastCall = 'at rest'
  private written = 0
  private reportSeq = 0
  private readonly stopped = new AbortController()

  private constructor(
    readonly store: Store,
    readonly clock: VirtualClock,
  ) {}

  static async open(): Promise<World> {
    const db = connect('sqlite::memory:')
    await migrate(db)
    const clock = new VirtualClock()
    const world = new World(openStore(db, { now: clockOf(() => clock.now()) }), clock)
    void world.keepReporting()
    return world
  }

  async close(): Promise<void> {
    this.stopped.abort()
    await this.store.close()
  }

  guest(id: InstanceId): FakeGuest {
    const found = this.guests.get(id)
    if (!found) throw new Error(`There is no guest ${id}.`)
    return found
  }

  /** A set with a source and replicas that serve. */
  async set(
    replicaCount: number,
  ): Promise<{ source: InstanceId; replicas: readonly InstanceId[]; setId: string }> {
    const [source, setId] = [randomUUID(), randomUUID()]
    await this.openOperation('create_instance', source, setId, {}, { newIds: [source], newSet: true })
    await this.settle(source, setId, 'source')
    const replicas = Array.from({ length: replicaCount }, () => randomUUID()).toSorted()
    for (const id of replicas) {
      await this.openOperation('create_replicas', source, setId, { replicaIds: [id] }, { newIds: [id] })
      await this.settle(id, setId, 'replica', source)
    }
    this.everybodyWrites()
    this.copyAll()
    for (const guest of this.guests.values()) guest.syncFull = 0
    await this.report()
    return { source, replicas, setId }
  }

  async openOperation<K extends OperationKind>(
    kind: K,
    instanceId: InstanceId,
    setId: string,
    request: OperationRequests[K],
    options: {
      readonly newIds?: readonly InstanceId[]
      readonly newSet?: boolean
    } = {},
  ): Promise<Operation<K>> {
    const { newIds = [], newSet = false } = options
    const role = newSet ? ('source' as const) : ('replica' as const)
    const members = await this.store.instances.membersOf(setId)
    return this.store.operations.open({
      kind,
      // What a kind holds by name is the whole set here.
      alsoHeld: members.map(({ instance }) => instance.id),
      projectId: PROJECT,
      instanceId,
      setId,
      request,
      requestId: `req-${randomUUID()}`,
      askedBy: 'a test',
      deadlineMs: 600_000,
      ...(newSet
        ? { newSet: { id: setId, projectId: PROJECT, sealedCredentials: sealCredentials(KEYS, CREDENTIALS) } }
        : {}),
      newInstances: newIds.map((id) => ({
        id,
        projectId: PROJECT,
        name: id.slice(0, 4),
        setId,
        role,
        flavorId: '1',
        volumeGb: 1,
        datastoreVersionId: randomUUID(),
        availabilityZone: null,
        locality: null,
      })),
    })
  }

  /** What a client's attempt to write on every instance shows. */
  everybodyWrites(): void {
    const takers = [...this.guests.values()].filter(({ takesWrites }) => takesWrites)
    const sets = takers.map(({ accepted }) => accepted.setId)
    // Noted and judged at the end: thrown here, it would be one more failed call to the taskmanager.
    if (new Set(sets).size !== sets.length) this.violations.push(`two members take writes ${this.lastCall}`)
    for (const taker of takers) {
      this.written += 1
      const id = `w${this.written}`
      if (!taker.write(id)) continue
      const { setId } = taker.accepted
      this.acknowledged.set(setId, [...(this.acknowledged.get(setId) ?? []), id])
    }
  }

  copyAll(): void {
    for (const guest of this.guests.values()) guest.copy()
  }

  /** One call of a taskmanager to the outside, with clients writing on both sides of it. */
  outgoing<T>(name: string, act: () => Promise<T>): Promise<T> {
    return this.clock.busy(async () => {
      this.copyAll()
      this.lastCall = `before ${name}`
      this.everybodyWrites()
      try {
        return await act()
      } finally {
        this.lastCall = `after ${name}`
        this.everybodyWrites()
      }
    })
  }

  client(id: InstanceId, gate: Gate): Client<typeof guestAgent> {
    const methods = Object.keys(guestAgent).map((name) => [
      name,
      (params: never, options?: { signal?: AbortSignal }) =>
        gate(`${name}`, () => this.call(id, name as keyof typeof guestAgent, params, options?.signal)),
    ])
    return Object.fromEntries(methods) as Client<typeof guestAgent> // one entry a method of the contract
  }

  compute(gate: Gate): Compute {
    return this.provider.compute(gate)
  }

  /** Stores what every agent that is there says of its server. */
  async report(): Promise<void> {
    const there = [...this.guests.values()].filter(({ answers }) => answers)
    this.reportSeq += 1
    const reports = there.map((guest) => ({
      instanceId: guest.id,
      bootId: 'boot',
      seq: this.reportSeq,
      observation: guest.observe(),
      agoMs: 0,
    }))
    await this.store.observations.save(reports)
  }

  async facts(): Promise<readonly InstanceFacts[]> {
    return this.store.instances.list(PROJECT, { limit: 1_000 })
  }

  /** Agents that started (again) ask what they are until they get an answer. */
  async askAll(): Promise<void> {
    for (const guest of this.guests.values()) {
      if (!guest.asks || !guest.answers) continue
      const { assignment } = await answersFor(guest.id, { store: this.store, keyRing: KEYS }).assignmentOf({})
      if (assignment) guest.hear(assignment)
    }
  }

  /** Fails as every act over the broker does while it is away. */
  requireBroker(): void {
    if (this.brokerAway) throw new RedtroveError('unavailable', 'The broker is away.')
  }

  private async call(
    id: InstanceId,
    name: keyof typeof guestAgent,
    params: never,
    signal?: AbortSignal,
  ): Promise<never> {
    this.requireBroker()
    const guest = this.guests.get(id)
    if (!guest || !this.queues.has(id))
      throw new RedtroveError('guest_timeout', `Instance ${id} has no queue.`)
    if (!guest.answers) await this.silence(guestAgent[name].timeoutMs, signal)
    if (guest.stuck && !['inspect', 'restartServer', 'stopServer'].includes(name))
      throw new RedtroveError('guest_timeout', 'redis-server does not answer.')
    if (guest.stopped && name === 'assume') throw new RedtroveError('guest_failed', 'redis-server is stopped')
    return guest.handlers[name](params) as Promise<never> // the caller's types say which result
  }

  /** Nobody answers: not busy meanwhile, so that time passes. */
  private async silence(timeoutMs: number, signal?: AbortSignal): Promise<never> {
    await this.clock.idle(() => this.clock.sleep(timeoutMs, signal))
    throw new RedtroveError('guest_timeout', 'no answer')
  }

  /** Brings a new instance to where its operation would have. */
  private async settle(id: InstanceId, setId: string, role: 'source' | 'replica', sourceId?: InstanceId) {
    const [operation] = await this.store.operations.listOpen()
    if (!operation) throw new Error('no open operation')
    const taken = await this.store.operations.takeLease(operation.id, 'setup', operation)
    const source = sourceId ? this.guest(sourceId).endpoint : null
    const assignment = { setId, epoch: operation.epoch, role, source, credentials: CREDENTIALS }
    this.queues.add(id)
    await this.provider.ensure({
      instanceId: id,
      assignment,
      sealKey: '0'.repeat(64),
      brokerAccount: null,
      maxMemoryBytes: 0,
      volumeGb: 1,
    })
    if (role === 'source') this.guest(id).writesFenced = false
    const lease = { operationId: operation.id, owner: 'setup', attempt: taken?.attempt ?? 0 }
    await this.store.operations.close(lease, 'done', { result: { summary: 'set up' } })
  }

  private async keepReporting(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      await this.clock.sleep(1_000, this.stopped.signal).catch(() => {})
      if (!this.stopped.signal.aborted) await this.clock.busy(() => this.report()).catch(() => {})
    }
  }
}
