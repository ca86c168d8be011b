import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStore } from '../../store/open-store.js'
import type { Store } from '../../store/store.js'
import { describeOnBoth, type TestDatabase } from '../harness/database.js'
import { clockOf } from '../harness/database-clock.js'
import { observed } from '../harness/observed.js'
import { finish, newInstance, openCreate, PROJECT, report, storedSet } from '../harness/stored.js'

const DAY_MS = 86_400_000
const KEPT_MS = 30 * DAY_MS

describeOnBoth('history', (open) => {
  let database: TestDatabase
  /** Now. */
  let store: Store
  /** Forty days ago. */
  let long: Store
  beforeEach(async () => {
    database = await open()
    store = database.store
    const { db } = database
    long = openStore(db, { now: clockOf(() => Date.now() - 40 * DAY_MS) })
  })
  afterEach(() => database.close())

  const openOn = (on: Store, id: string, setId: string, kind: 'restart_instance' | 'delete_instance') =>
    on.operations.open({
      kind,
      projectId: PROJECT,
      instanceId: id,
      setId,
      request: {},
      requestId: 'req-test',
      askedBy: 'a test',
      deadlineMs: 1_000,
    })
  const setOf = async (id: string) => (await store.instances.find(null, id)).instance.setId
  const count = async (table: string) => Number((await database.db(table).count({ n: '*' }))[0]?.n)
  const remove = async (on: Store, id: string) =>
    finish(on, await openOn(on, id, await setOf(id), 'delete_instance'), {
      instances: { [id]: { deleted: true } },
    })

  it('of living instances: what ended long ago goes with its steps, what is open or recent stays', async () => {
    const [id = ''] = await storedSet(long, 0)
    const setId = await setOf(id)
    const old = await openOn(long, id, setId, 'restart_instance')
    await long.operations.takeLease(old.id, 'me', old)
    const lease = { operationId: old.id, owner: 'me', attempt: 1 }
    const step = { seq: 1, name: 'x', state: 'done', startedAtMs: 1, endedAtMs: 2, detail: null } as const
    await long.operations.saveSteps(lease, [step])
    await long.operations.close(lease, 'done', {})
    const recent = await openOn(store, id, setId, 'restart_instance')
    await finish(store, recent)
    const stuck = await openOn(long, id, setId, 'restart_instance')
    expect(await store.history.forget(KEPT_MS)).toMatchObject({ operations: 2, instances: 0, sets: 0 })
    const left = await store.operations.list(PROJECT, { limit: 20 })
    expect(left.map((one) => one.id)).toEqual([recent.id, stuck.id])
    expect(await count('operation_steps')).toBe(0)
    expect((await store.instances.find(null, id)).operation?.id).toBe(stuck.id)
    expect((await store.sets.find(setId)).sealedCredentials).toBe('sealed')
  })

  it('of deleted instances: their rows and sealed accounts go when it was long ago', async () => {
    const [old = ''] = await storedSet(long, 0)
    const [recent = ''] = await storedSet(store, 0)
    const [oldSet, recentSet] = [await setOf(old), await setOf(recent)]
    await remove(long, old)
    await remove(store, recent)
    expect(await store.history.forget(KEPT_MS)).toMatchObject({ operations: 2, instances: 1, sets: 1 })
    await expect(store.sets.find(oldSet)).rejects.toMatchObject({ kind: 'not_found' })
    expect((await store.sets.find(recentSet)).id).toBe(recentSet)
    expect(await store.history.forget(KEPT_MS)).toEqual({
      operations: 0,
      instances: 0,
      sets: 0,
      reports: 0,
      boots: 0,
    })
  })

  it('of reports: one that came when its instance was deleted goes, and boots of long ago', async () => {
    const [gone = ''] = await storedSet(store, 0)
    const [living = ''] = await storedSet(store, 0)
    await report(long, living, observed(), 0, 1, 'one')
    await report(long, living, observed(), 0, 1, 'two')
    await report(store, living, observed(), 0, 1, 'three')
    await remove(store, gone)
    await report(store, gone, observed())
    expect(await store.history.forget(KEPT_MS)).toMatchObject({ reports: 1, boots: 1 })
    expect(await store.observations.find(gone)).toBeNull()
    expect(await store.observations.find(living)).toMatchObject({ bootId: 'three' })
  })

  it('goes whole, however much has piled up', async () => {
    const [id = ''] = await storedSet(store, 0)
    const [row] = await database.db('operations').select('*')
    const endedAtMs = Date.now() - 40 * DAY_MS
    const rows = Array.from({ length: 450 }, () => ({ ...row, id: randomUUID(), ended_at_ms: endedAtMs }))
    await database.db.batchInsert('operations', rows, 30)
    expect(await store.history.forget(KEPT_MS)).toMatchObject({ operations: 450 })
    expect(await store.operations.list(PROJECT, { limit: 500 })).toHaveLength(1)
    expect((await store.instances.find(null, id)).instance.id).toBe(id)
  })

  it('is listed newest first, page after page, each operation once', async () => {
    const clock = { ms: Date.now() }
    const ticking = openStore(database.db, { now: clockOf(() => clock.ms) })
    const made: string[] = []
    for (let i = 0; i < 7; i += 1) {
      // Two at a time are of the same millisecond.
      clock.ms += i % 2
      made.push((await openCreate(ticking, newInstance({ name: `i${i}` }))).id)
    }
    await openCreate(ticking, newInstance({ projectId: 'other' }))
    const seen: { id: string; createdAtMs: number }[] = []
    for (let marker: string | undefined; ; marker = seen.at(-1)?.id) {
      const page = { limit: 2, ...(marker === undefined ? {} : { marker }) }
      const rows = await store.operations.list(PROJECT, page)
      seen.push(...rows.slice(0, 2))
      if (rows.length <= 2) break
    }
    expect(seen.map(({ id }) => id).toSorted()).toEqual(made.toSorted())
    const times = seen.map(({ createdAtMs }) => createdAtMs)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect(await store.operations.list(PROJECT, { limit: 3, marker: 'zzz' })).toEqual([])
    const [instanceId = ''] = (await store.operations.find(null, made[3] ?? '')).memberIds
    expect(await store.operations.list(PROJECT, { limit: 3, instanceId })).toMatchObject([{ id: made[3] }])
  })
})
