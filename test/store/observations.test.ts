import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isSilent, reportAgeMs } from '../../domain/instance/silence.js'
import { openStore } from '../../store/open-store.js'
import type { Store } from '../../store/store.js'
import { describeOnBoth, type TestDatabase } from '../harness/database.js'
import { clockOf } from '../harness/database-clock.js'
import { observed } from '../harness/observed.js'
import { report, storedSet } from '../harness/stored.js'

const HOUR_MS = 3_600_000
const AGE_MS_MAX = 6_000

describeOnBoth('reports', (open) => {
  let database: TestDatabase
  let store: Store
  let id: string
  beforeEach(async () => {
    database = await open()
    store = database.store
    id = (await storedSet(store, 0))[0] ?? ''
  })
  afterEach(async () => {
    vi.useRealTimers()
    await database.close()
  })
  const storedOf = async (from = store) => (await from.instances.find(null, id)).stored

  it('have an age that no program’s clock has a part in', async () => {
    const other = database.another().store
    for (const [writtenMs, readMs] of [
      [90_000, -90_000],
      [-90_000, 90_000],
    ] as const) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + writtenMs })
      await report(store, id, observed(), 0, Math.abs(writtenMs) + writtenMs)
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + readMs })
      const ageMs = reportAgeMs(await storedOf(other))
      expect(ageMs, `written ${writtenMs} ms off, read ${readMs} ms off`).not.toBeNull()
      expect(ageMs).toBeLessThan(60_000)
      vi.useRealTimers()
    }
  })

  it('that waited for the database are as old as they are', async () => {
    await report(store, id, observed(), 50_000)
    const ageMs = (await storedOf())?.ageMs
    expect(ageMs).toBeGreaterThanOrEqual(50_000)
    expect(ageMs).toBeLessThan(110_000)
  })

  it('of a dead agent are not fresh when the clock is set back, nor when it has caught up', async () => {
    const clock = { ms: Date.now() }
    const stepped = openStore(database.db, { now: clockOf(() => clock.ms) })
    const [alive = ''] = await storedSet(stepped, 0)
    await report(stepped, id, observed())
    expect(isSilent(await storedOf(stepped), AGE_MS_MAX)).toBe(false)
    clock.ms -= HOUR_MS
    expect(isSilent(await storedOf(stepped), AGE_MS_MAX)).toBe(true)
    await report(stepped, alive, observed())
    expect(isSilent((await stepped.instances.find(null, alive)).stored, AGE_MS_MAX)).toBe(false)
    clock.ms += HOUR_MS
    expect(isSilent(await storedOf(stepped), AGE_MS_MAX)).toBe(true)
  })

  it('of two boots, sent again in turn, count once each', async () => {
    await report(store, id, observed({ offset: 1 }), 0, 5, 'one')
    await report(store, id, observed({ offset: 2 }), 0, 5, 'two')
    const last = await storedOf()
    for (let round = 0; round < 3; round += 1) {
      await report(store, id, observed({ offset: 1 }), 0, 5, 'one')
      await report(store, id, observed({ offset: 2 }), 0, 5, 'two')
      await store.observations.save(
        ['one', 'two'].map((bootId) => ({
          instanceId: id,
          bootId,
          seq: 5,
          observation: observed(),
          agoMs: 0,
        })),
      )
    }
    expect(await storedOf()).toMatchObject({
      bootId: 'two',
      receivedAtMs: last?.receivedAtMs,
      observation: { offset: 2 },
    })
  })

  it('that are bad and old say nothing of an agent that was started again and is well', async () => {
    await report(store, id, observed({ service: 'crashed' }), 0, 3, 'one')
    await report(store, id, observed({ service: 'running' }), 0, 4, 'one')
    await report(store, id, observed(), 0, 1, 'two')
    await report(store, id, observed({ service: 'crashed' }), 0, 3, 'one')
    expect(await storedOf()).toMatchObject({ bootId: 'two', observation: { service: 'running' } })
  })

  it('of a boot that a late report of an earlier one overtook count again at once', async () => {
    await report(store, id, observed(), 0, 1, 'three')
    await report(store, id, observed(), 0, 1, 'two')
    await report(store, id, observed({ offset: 3 }), 0, 2, 'three')
    expect(await storedOf()).toMatchObject({ bootId: 'three', seq: 2, observation: { offset: 3 } })
  })

  it('of both boots that come together are in the order in which they came', async () => {
    const reports = [
      { bootId: 'old', seq: 7 },
      { bootId: 'new', seq: 1 },
      { bootId: 'new', seq: 2 },
    ].map((one) => ({ ...one, instanceId: id, observation: observed({ offset: one.seq }), agoMs: 0 }))
    await store.observations.save(reports)
    expect(await storedOf()).toMatchObject({ bootId: 'new', seq: 2 })
    await report(store, id, observed(), 0, 7, 'old')
    expect(await storedOf()).toMatchObject({ bootId: 'new', seq: 2 })
  })
})
