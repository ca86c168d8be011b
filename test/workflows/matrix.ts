/*
 * The fault matrix. A workflow is run once to count its outgoing calls; then, in a world of its own each time, for every call ×
 * {before, after its effect} × {the call fails, the process dies, the process freezes and wakes when another has finished}.
 * The world holds every state in between against the promises; the end is checked here.
 */
import { describe, expect, test } from 'vitest'
import { type ErrorKind, RedtroveError } from '../../common/errors.js'
import { isOpen, type Operation } from '../../domain/operation/operation.js'
import { checkPromises } from './promises.js'
import { Life, type OnCall, pass, taskmanager } from './taskmanager.js'
import { World } from './world.js'

export interface Scenario {
  /** Brings the world to where the operation begins and opens it. Answers with its id. */
  open(world: World): Promise<string>
  /** What a run without a fault must have come to. */
  clean(world: World, operation: Operation): Promise<void> | void
  /** Happens after each call's effect, in every run of any taskmanager. */
  meanwhile?(world: World, call: string): Promise<void>
  /** What must be true as soon as the operation has ended, without any time to heal. */
  atOnce?(world: World, operation: Operation): Promise<void> | void
  /** What must be true at the end of every run, over and above the world's own promises. */
  always?(world: World, operation: Operation): Promise<void> | void
}

const TAKEN_OVER_AFTER_MS = 10_000
const EDGES = ['before', 'after'] as const
const FAULTS = ['fails', 'dies', 'freezes'] as const
type Fault = {
  readonly index: number
  readonly edge: (typeof EDGES)[number]
  readonly how: (typeof FAULTS)[number]
}

/** Runs a scenario clean and with every fault; a test each for the clean run and for each way to fail. */
export function matrix(name: string, scenario: Scenario): void {
  describe(name, () => {
    test('without a fault', async () => {
      const world = await World.open()
      const id = await scenario.open(world)
      await world.clock.drive(managed(world, scenario, 'first').run(id))
      const operation = await world.store.operations.find(null, id)
      await scenario.clean(world, operation)
      await end(world, scenario, id)
    })
    for (const how of FAULTS) {
      test(`each of its calls ${how}, before and after its effect`, async () => {
        const calls = await count(scenario)
        for (const [index, call] of calls.entries())
          for (const edge of EDGES)
            await explain(`call ${index} (${call}) ${how} ${edge} its effect`, () =>
              oneFault(scenario, { index, edge, how }),
            )
      })
    }
  })
}

async function count(scenario: Scenario): Promise<readonly string[]> {
  const world = await World.open()
  const id = await scenario.open(world)
  const first = managed(world, scenario, 'first')
  await world.clock.drive(first.run(id))
  await world.close()
  expect(first.calls.length).toBeGreaterThan(0)
  return first.calls
}

async function oneFault(scenario: Scenario, fault: Fault): Promise<void> {
  const world = await World.open()
  const id = await scenario.open(world)
  if (fault.how === 'fails')
    await world.clock.drive(managed(world, scenario, 'first', failing(fault)).run(id))
  else await interrupted(world, scenario, id, fault)
  await end(world, scenario, id)
}

/** The first taskmanager stops in the midst; a second one takes over when the lease has stood still; a frozen first one wakes last. */
async function interrupted(world: World, scenario: Scenario, id: string, fault: Fault): Promise<void> {
  const life = new Life(world)
  const stop = async () => {
    if (fault.how === 'dies') life.die()
    else life.freeze()
    await life.alive()
  }
  const onCall: OnCall = async ({ index }, act) => {
    if (index === fault.index && fault.edge === 'before') await stop()
    const value = await act()
    if (index === fault.index && fault.edge === 'after') await stop()
    return value
  }
  const first = managed(world, scenario, 'first', onCall, life).run(id)
  first.catch(() => {})
  // Longer than a lease, measured by whoever waits for it to stand still.
  const later = world.clock.sleep(TAKEN_OVER_AFTER_MS)
  await world.clock.drive(Promise.race([later, first]))
  await world.clock.drive(managed(world, scenario, 'second').run(id))
  life.wake()
  if (fault.how === 'freezes') await world.clock.drive(Promise.allSettled([first]))
}

/** A taskmanager in the scenario's circumstances. */
function managed(world: World, scenario: Scenario, owner: string, onCall: OnCall = pass, life?: Life) {
  const { meanwhile } = scenario
  const around: OnCall = (call, act) =>
    onCall(call, async () => {
      const value = await act()
      if (meanwhile) await world.clock.idle(() => meanwhile(world, call.name))
      return value
    })
  return taskmanager(world, owner, around, life)
}

async function end(world: World, scenario: Scenario, id: string): Promise<void> {
  try {
    const operation = await world.store.operations.find(null, id)
    expect(isOpen(operation), `the operation has ended (${operation.state})`).toBe(false)
    await scenario.atOnce?.(world, operation)
    await checkPromises(world)
    await scenario.always?.(world, operation)
  } finally {
    await world.close()
  }
}

function failing(fault: Fault): OnCall {
  return async ({ index, name }, act) => {
    if (index !== fault.index) return act()
    if (fault.edge === 'after') await act()
    throw new RedtroveError(kindOf(name), `${name} failed for the test`)
  }
}

function kindOf(call: string): ErrorKind {
  if (call === 'compute.fence') return 'fence_failed'
  return call.startsWith('compute.') ||
    ['savePlan', 'change', 'close', 'declareGuest', 'removeGuest'].includes(call)
    ? 'unavailable'
    : 'guest_timeout'
}

async function explain(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`
    throw error
  }
}
