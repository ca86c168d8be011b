/* Task managers whose clocks differ from the database's: what they do depends on neither. */
import { expect, test } from 'vitest'
import type { Clock } from '../../common/clock.js'
import { isSilent } from '../../domain/instance/silence.js'
import { Life, pass, TIMINGS, taskmanager } from './taskmanager.js'
import { World } from './world.js'

const HOUR_MS = 3_600_000

/** The world's, shown to people wrong by `byMs`. */
function off({ clock }: World, byMs: number): Clock {
  return {
    now: () => clock.now() + byMs,
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  }
}

test.each([-HOUR_MS, HOUR_MS])(
  'a promote and an eject succeed with a clock that is %i ms off',
  async (byMs) => {
    const world = await World.open()
    const { replicas, setId } = await world.set(2)
    const run = async (id: string) => {
      const manager = taskmanager(world, 'off', pass, new Life(world), off(world, byMs))
      await world.clock.drive(manager.run(id))
      return world.store.operations.find(null, id)
    }
    const [candidate = ''] = replicas
    const promote = await world.openOperation('promote_to_replica_source', candidate, setId, {})
    expect(await run(promote.id)).toMatchObject({ state: 'done', fault: null })
    world.guest(candidate).hostGone = true
    await world.clock.drive(world.clock.sleep(8_000))
    const eject = await world.openOperation('eject_replica_source', candidate, setId, {})
    expect(await run(eject.id)).toMatchObject({ state: 'done', fault: null })
    expect((await world.store.sets.topologyOf(setId)).source).not.toBe(candidate)
    await world.close()
  },
)

test('an operation that waited longer than it may is taken back, whatever the clock of who takes it says', async () => {
  const world = await World.open()
  const { replicas, setId } = await world.set(1)
  const { id } = await world.openOperation('promote_to_replica_source', replicas[0] ?? '', setId, {})
  await world.clock.drive(world.clock.sleep(660_000))
  const manager = taskmanager(world, 'behind', pass, new Life(world), off(world, -HOUR_MS))
  await world.clock.drive(manager.run(id))
  expect(await world.store.operations.find(null, id)).toMatchObject({
    state: 'rolled_back',
    fault: expect.stringContaining('Not ready within 600 s'),
  })
  const facts = await world.facts()
  for (const { stored } of facts) expect(isSilent(stored, TIMINGS.reportAgeMsMax)).toBe(false)
  await world.close()
})
