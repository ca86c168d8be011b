import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RedtroveError } from '../../common/errors.js'
import type { Operation, StepState } from '../../domain/operation/operation.js'
import type { Store } from '../../store/store.js'
import { describeOnBoth, type TestDatabase } from '../harness/database.js'

import { finish, newInstance, openCreate, PROJECT, storedSet } from '../harness/stored.js'

const step = (seq: number, name: string, state: StepState, detail: string | null = null) => ({
  seq,
  name,
  state,
  startedAtMs: 1_000 + seq,
  endedAtMs: state === 'running' ? null : 2_000 + seq,
  detail,
})

describeOnBoth('operations', (open) => {
  let database: TestDatabase
  let store: Store
  beforeEach(async () => {
    database = await open()
    store = database.store
  })
  afterEach(() => database.close())

  const openOn = (on: Store, subject: string, setId: string, check?: () => void) =>
    on.operations.open({
      kind: 'promote_to_replica_source',
      projectId: PROJECT,
      instanceId: subject,
      setId,
      request: {},
      requestId: 'req-test',
      askedBy: 'a test',
      deadlineMs: 1000,
      ...(check ? { check } : {}),
    })
  const setOf = async (id: string) => (await store.instances.find(null, id)).instance.setId

  it('one of many that want overlapping members wins, whatever connection they come by', async () => {
    const ids = await storedSet(store, 2)
    const setId = await setOf(ids[0] ?? '')
    const stores = [store, database.another().store, database.another().store]
    const attempts = Array.from({ length: 9 }, (_, i) =>
      openOn(stores[i % 3] ?? store, ids[1 + (i % 2)] ?? '', setId),
    )
    const settled = await Promise.allSettled(attempts)
    const won = settled.filter((one) => one.status === 'fulfilled')
    expect(won).toHaveLength(1)
    for (const one of settled) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ kind: 'unprocessable' })
    }
    const facts = await store.instances.membersOf(setId)
    const held = facts.filter(({ operation }) => operation !== null)
    expect(new Set(held.map(({ operation }) => operation?.id)).size).toBe(1)
    expect((await store.sets.find(setId)).epoch).toBe(3)
  })

  it('holds what its kind says: the set, the subject alone, or those that the opener names', async () => {
    const [source = '', first = '', second = ''] = await storedSet(store, 2)
    const setId = await setOf(source)
    const asked = { projectId: PROJECT, setId, requestId: 'req-test', askedBy: 'a test' } as const
    const heldBy = async ({ id, memberIds, attempt, leaseBeat }: Operation) => {
      await finish(store, { id, attempt, leaseBeat })
      return memberIds.toSorted()
    }
    const open = store.operations.open
    const whole = await open({ ...asked, kind: 'detach_replica', instanceId: first, request: {} })
    expect(await heldBy(whole)).toEqual([source, first, second].toSorted())
    const alone = await open({ ...asked, kind: 'restart_instance', instanceId: first, request: {} })
    expect(await heldBy(alone)).toEqual([first])
    const repair = { ...asked, kind: 'repair_replication', request: { drift: ['seen'] } } as const
    expect(await heldBy(await open({ ...repair, instanceId: second }))).toEqual([second])
    // A repair of one member neither waits for what is done to another, nor stands in its way.
    const busy = await open({ ...asked, kind: 'restart_instance', instanceId: first, request: {} })
    const named = await open({ ...repair, instanceId: second, alsoHeld: [source] })
    expect(await heldBy(named)).toEqual([second, source].toSorted())
    await finish(store, busy)
  })

  it('names the operation that holds a member', async () => {
    const ids = await storedSet(store, 1)
    const setId = await setOf(ids[0] ?? '')
    const first = await openOn(store, ids[1] ?? '', setId)
    await expect(openOn(store, ids[1] ?? '', setId)).rejects.toMatchObject({
      kind: 'unprocessable',
      message: expect.stringContaining(`promote_to_replica_source (operation ${first.id})`),
    })
  })

  it('a refusing check leaves nothing behind', async () => {
    const ids = await storedSet(store, 1)
    const setId = await setOf(ids[0] ?? '')
    const epoch = (await store.sets.find(setId)).epoch
    const refuse = () => {
      throw new RedtroveError('bad_request', 'no')
    }
    await expect(openOn(store, ids[1] ?? '', setId, refuse)).rejects.toMatchObject({
      kind: 'bad_request',
    })
    expect((await store.sets.find(setId)).epoch).toBe(epoch)
    expect(await store.operations.listOpen()).toEqual([])
    expect((await store.instances.find(null, ids[0] ?? '')).operation).toBeNull()
  })

  it('holds the quota also between two that ask at once', async () => {
    const settled = await Promise.allSettled(
      Array.from({ length: 4 }, () => openCreate(store, newInstance(), 2)),
    )
    expect(settled.filter((one) => one.status === 'fulfilled')).toHaveLength(2)
    for (const one of settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ kind: 'over_quota' })
    expect(await store.instances.count(PROJECT)).toBe(2)
  })

  it('gives a lease to one, takes it from a silent owner, and tells the old owner so', async () => {
    const operation = await openCreate(store, newInstance())
    const [one, other] = await Promise.all([
      store.operations.takeLease(operation.id, 'one', operation),
      store.operations.takeLease(operation.id, 'other', operation),
    ])
    const first = one ?? other
    expect([one, other].filter(Boolean)).toHaveLength(1)
    const lease = { operationId: operation.id, owner: first?.leaseOwner ?? '', attempt: 1 }
    await store.operations.renew(lease)
    expect(await store.operations.takeLease(operation.id, 'late', { attempt: 1, leaseBeat: 0 })).toBeNull()
    const next = await store.operations.takeLease(operation.id, 'next', { attempt: 1, leaseBeat: 1 })
    expect(next).toMatchObject({ attempt: 2, leaseBeat: 0, state: 'preparing' })
    const zombie: readonly (() => Promise<unknown>)[] = [
      () => store.operations.renew(lease),
      () => store.operations.savePlan(lease, {}),
      () => store.operations.change(lease, {}),
      () => store.operations.saveSteps(lease, [step(1, 'x', 'running')]),
      () => store.operations.close(lease, 'done', {}),
    ]
    for (const act of zombie) await expect(act()).rejects.toMatchObject({ kind: 'lease_lost' })
    expect((await store.operations.find(null, operation.id)).state).toBe('preparing')
  })

  it('a plan and its changes are saved together, and closing releases every member', async () => {
    const ids = await storedSet(store, 2)
    const setId = await setOf(ids[0] ?? '')
    const operation = await openOn(store, ids[1] ?? '', setId)
    await store.operations.takeLease(operation.id, 'me', operation)
    const lease = { operationId: operation.id, owner: 'me', attempt: 1 }
    const [source = '', candidate = ''] = ids
    await store.operations.savePlan(
      lease,
      { winner: candidate },
      { instances: { [candidate]: { role: 'source' }, [source]: { role: 'replica' } } },
    )
    expect(await store.operations.find(null, operation.id)).toMatchObject({
      state: 'committing',
      plan: { winner: candidate },
    })
    expect(await store.sets.topologyOf(setId)).toMatchObject({ source: candidate })
    await store.operations.close(lease, 'done', { result: { summary: 'led' } })
    for (const { operation: held } of await store.instances.findMany(ids)) expect(held).toBeNull()
    await expect(store.operations.close(lease, 'done', {})).rejects.toMatchObject({ kind: 'lease_lost' })
  })

  it('records steps in order with their details', async () => {
    const operation = await openCreate(store, newInstance())
    await store.operations.takeLease(operation.id, 'me', operation)
    const lease = { operationId: operation.id, owner: 'me', attempt: 1 }
    await store.operations.saveSteps(lease, [step(1, 'start', 'running', 'half')])
    await store.operations.saveSteps(lease, [step(1, 'start', 'done', 'whole'), step(2, 'look', 'running')])
    await store.operations.takeLease(operation.id, 'next', { attempt: 1, leaseBeat: 0 })
    const next = { ...lease, owner: 'next', attempt: 2 }
    await store.operations.saveSteps(next, [step(1, 'start', 'running')])
    expect(await store.operations.steps(operation.id)).toMatchObject([
      { attempt: 1, name: 'start', state: 'done', startedAtMs: 1_001, endedAtMs: 2_001, detail: 'whole' },
      { attempt: 1, name: 'look', state: 'running', endedAtMs: null },
      { attempt: 2, name: 'start', state: 'running' },
    ])
  })

  it('asks for a take-back only before the point of no return', async () => {
    const operation = await openCreate(store, newInstance())
    await store.operations.takeLease(operation.id, 'me', operation)
    const lease = { operationId: operation.id, owner: 'me', attempt: 1 }
    await store.operations.requestCancel(operation.id)
    expect(await store.operations.renew(lease)).toEqual({ cancelRequested: true })
    const other = await openCreate(store, newInstance())
    await store.operations.takeLease(other.id, 'me', other)
    const otherLease = { operationId: other.id, owner: 'me', attempt: 1 }
    await store.operations.savePlan(otherLease, {})
    await store.operations.requestCancel(other.id)
    expect(await store.operations.renew(otherLease)).toEqual({ cancelRequested: false })
  })

  it('an ejected member moves to a set of its own, whose epoch is given', async () => {
    const ids = await storedSet(store, 1)
    const [source = '', winner = ''] = ids
    const setId = await setOf(source)
    const operation = await openOn(store, winner, setId)
    const own = randomUUID()
    await finish(store, operation, {
      newSets: [{ id: own, projectId: PROJECT, sealedCredentials: 'sealed', rootEnabledAtMs: 7, epoch: 9 }],
      instances: { [source]: { role: 'ejected', setId: own }, [winner]: { role: 'source' } },
    })
    expect(await store.sets.topologyOf(setId)).toEqual({ source: winner, replicas: [] })
    expect(await store.sets.topologyOf(own)).toEqual({ source: null, replicas: [] })
    expect(await store.instances.find(null, source)).toMatchObject({ sourceId: null, replicaIds: [] })
    expect((await store.sets.find(own)).epoch).toBe(9)
  })
})
