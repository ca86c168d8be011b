import { afterEach, expect, test } from 'vitest'
import { createLogger } from '../../../common/log.js'
import { waitUntil } from '../../../common/wait-until.js'
import type { Operation } from '../../../domain/operation/operation.js'
import { type Sweeper, startSweeper } from '../../../taskmanager/engine/sweeper.js'
import { VirtualClock } from '../../workflows/virtual-clock.js'

let sweeper: Sweeper | null = null
afterEach(async () => {
  await sweeper?.stop()
})

const operation = (
  id: string,
  state: Operation['state'],
  attempt = 0,
  kind: Operation['kind'] = 'create_instance',
  projectId = 'demo',
): Operation => ({ id, state, attempt, leaseBeat: 0, kind, projectId }) as Operation // the fields that a sweeper reads

function stage(open: () => Operation[], hesitate?: (clock: VirtualClock) => Promise<void>) {
  const clock = new VirtualClock()
  const ran: string[] = []
  const taken: string[] = []
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  sweeper = startSweeper({
    operations: {
      listOpen: async () => open(),
      find: async (_project, id) => open().find((one) => one.id === id) ?? operation(id, 'pending'),
      takeLease: async (id, owner, expected) => {
        taken.push(`${id} ${owner} ${expected.attempt}.${expected.leaseBeat}`)
        return operation(id, 'preparing', expected.attempt + 1)
      },
    },
    owner: 'me',
    ...(hesitate ? { hesitate: () => hesitate(clock) } : {}),
    run: async ({ id }) => {
      ran.push(id)
      await held
    },
    timings: { leaseMs: 3_000, sweepMs: 500 },
    clock,
    log: createLogger('test', 'silent'),
  })
  const until = (what: string, done: () => boolean) =>
    waitUntil(what, done, (yes) => yes, { timeoutMs: 5_000 })
  return { clock, ran, taken, release, until, sweeper }
}

test('a pending operation is found without a ring', async () => {
  const { ran, until } = stage(() => [operation('a', 'pending')])
  await until('it runs', () => ran.includes('a'))
})

test('an operation of an owner that stands still is taken over after a lease, with what was seen of it', async () => {
  const { clock, taken } = stage(() => [operation('a', 'committing', 4)])
  await clock.drive(clock.sleep(2_900))
  expect(taken).toEqual([])
  await clock.drive(clock.sleep(1_000))
  expect(taken).toEqual(['a me 4.0'])
})

test('what runs here is not taken a second time, by ring or by sweep', async () => {
  const { clock, taken, sweeper: here } = stage(() => [operation('a', 'preparing', 1)])
  here.announce('a')
  here.announce('a')
  await clock.drive(clock.sleep(10_000))
  expect(taken).toEqual(['a me 0.0'])
})

test('one that others may take first is taken once, when it is still there', async () => {
  const {
    clock,
    taken,
    sweeper: here,
  } = stage(
    () => [operation('a', 'pending')],
    (time) => time.sleep(3_000),
  )
  here.announce('a')
  await clock.drive(clock.sleep(2_900))
  expect(taken).toEqual([])
  await clock.drive(clock.sleep(5_000))
  expect(taken).toEqual(['a me 0.0'])
})

test('no more than a bounded number run at once, the rest follow', async () => {
  const all = Array.from({ length: 40 }, (_, index) => operation(`op-${index}`, 'pending'))
  const begun: string[] = []
  let over = false
  const { clock, ran, release } = stage(() => all.filter(({ id }) => !over || !begun.includes(id)))
  await clock.drive(clock.sleep(2_000))
  expect(ran).toHaveLength(16)
  over = true
  release()
  for (let round = 0; round < 3; round += 1) {
    begun.push(...ran)
    await clock.drive(clock.sleep(1_000))
  }
  expect(new Set(ran).size).toBe(40)
})

test('restarts of frozen servers by a few projects delay neither a promote nor the operations of others', async () => {
  const clutter = Array.from({ length: 200 }, (_, index) =>
    operation(`restart-${index}`, 'pending', 0, 'restart_instance', `project-${index % 5}`),
  )
  const all = [...clutter]
  const { clock, ran, until, sweeper: here } = stage(() => all)
  await clock.drive(clock.sleep(2_000))
  console.log(`restarts under way: ${ran.length} of ${clutter.length}, of 5 projects`)
  const ask = async (id: string, kind: Operation['kind'], projectId: string, ringing: boolean) => {
    all.push(operation(id, 'pending', 0, kind, projectId))
    if (ringing) here.announce(id)
    await (ringing ? until(`${id} runs`, () => ran.includes(id)) : clock.drive(clock.sleep(600)))
    expect(ran, id).toContain(id)
  }
  await ask('promote', 'promote_to_replica_source', 'another', true)
  await ask('promote of a project that clutters', 'promote_to_replica_source', 'project-0', true)
  await ask('eject that nobody rang for', 'eject_replica_source', 'another', false)
  await ask('restart of another', 'restart_instance', 'another', true)
})

test('what is urgent goes before what is older', async () => {
  const { ran, until } = stage(() => [
    operation('restart', 'pending', 0, 'restart_instance'),
    operation('eject', 'pending', 0, 'eject_replica_source'),
  ])
  await until('both run', () => ran.length === 2)
  expect(ran).toEqual(['eject', 'restart'])
})
