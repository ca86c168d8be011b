/*
 * A member that stops answering for good, and a broker that is away for a while, from each outgoing call on. Unlike the matrix these
 * faults do not end with the call. Whatever the operation comes to: it ends, one member of the set at most takes writes at any
 * time, and no acknowledged write is missing on the source as long as the machine that took it did not die with it.
 */
import { expect, test } from 'vitest'
import { isOpen, type Operation } from '../../domain/operation/operation.js'
import { checkPromises } from './promises.js'
import { type OnCall, taskmanager } from './taskmanager.js'
import { World } from './world.js'

type Opened = { readonly id: string; readonly members: readonly string[] }

async function promote(world: World): Promise<Opened> {
  const { source, replicas, setId } = await world.set(2)
  const members = [source, ...replicas]
  const [candidate = ''] = replicas
  return {
    id: (await world.openOperation('promote_to_replica_source', candidate, setId, {})).id,
    members,
  }
}

async function eject(world: World): Promise<Opened> {
  const { source, replicas, setId } = await world.set(2)
  world.copyAll()
  world.guest(source).hostGone = true
  await world.clock.drive(world.clock.sleep(8_000))
  const members = [source, ...replicas]
  return {
    id: (await world.openOperation('eject_replica_source', source, setId, {})).id,
    members,
  }
}

const OPERATIONS = { promote, eject }
/** `agent`: its redis-server goes on serving. `host`: all of it stands still, as a frozen machine does. */
const LOSSES = ['agent', 'host'] as const

for (const [name, open] of Object.entries(OPERATIONS)) {
  for (const loss of LOSSES) {
    test(`${name}: the ${loss} of any member is lost before any call`, async () => {
      for (const member of [0, 1, 2]) {
        for (let index = 0; await lostAt(open, index, member, loss); index += 1);
      }
    })
  }

  test(`${name}: the broker is away for 20 s from any call on`, async () => {
    for (let index = 0; await brokerAwayAt(open, index); index += 1);
  })
}

/** False when the operation ended before that call. */
async function lostAt(
  open: (world: World) => Promise<Opened>,
  index: number,
  member: number,
  loss: (typeof LOSSES)[number],
): Promise<boolean> {
  return during(
    open,
    index,
    `${loss} of member ${member} lost before call ${index}`,
    (world, { members }) => {
      const guest = world.guest(members[member] ?? '')
      if (loss === 'agent') guest.agentGone = true
      else {
        // What it took last is with its replicas: their loss would be the machine's, not the operation's.
        world.copyAll()
        guest.hostGone = true
      }
    },
  )
}

async function brokerAwayAt(open: (world: World) => Promise<Opened>, index: number): Promise<boolean> {
  return during(open, index, `broker away from call ${index} on`, (world) => {
    world.brokerAway = true
    void world.clock.sleep(20_000).then(() => {
      world.brokerAway = false
    })
  })
}

async function during(
  open: (world: World) => Promise<Opened>,
  at: number,
  what: string,
  happen: (world: World, opened: Opened) => void,
): Promise<boolean> {
  const world = await World.open()
  try {
    const opened = await open(world)
    let happened = false
    const onCall: OnCall = ({ index }, act) => {
      if (index === at) {
        happened = true
        happen(world, opened)
      }
      return act()
    }
    const begun = world.clock.now()
    await world.clock.drive(taskmanager(world, 'only', onCall).run(opened.id))
    const operation = await world.store.operations.find(null, opened.id)
    await judge(world, operation, begun, what)
    return happened
  } finally {
    await world.close()
  }
}

async function judge(world: World, operation: Operation, begun: number, what: string): Promise<void> {
  try {
    expect(isOpen(operation), 'it has ended').toBe(false)
    expect(world.clock.now() - begun, 'within two minutes').toBeLessThan(120_000)
    await checkPromises(world)
    const { source } = await world.store.sets.topologyOf(operation.setId)
    const guest = world.guests.get(source ?? '')
    // What was lost comes back: a frozen machine goes on where it stood, which must not be as a second source.
    for (const one of world.guests.values()) {
      one.hostGone = false
      one.agentGone = false
    }
    world.everybodyWrites()
    expect(world.violations).toEqual([])
    expect(guest).toBeDefined()
  } catch (error) {
    if (error instanceof Error) error.message = `${what} (${operation.state}): ${error.message}`
    throw error
  }
}
