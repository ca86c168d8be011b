import { join } from 'node:path'
import type Docker from 'dockerode'
import type { TestProject } from 'vitest/node'
import { clientOf, type EnginePlace, enginePlace, startEngine, stopEngine } from '../containers/engine.js'
import { buildGuestImages, CONTAINERS_DIR } from '../containers/images.js'
import { removeGuests } from '../places/docker-place.js'
import { type Machine, makeMachines } from './machines.js'

/** A node of the tests' Swarm. */
export interface SwarmMachine extends Machine {
  readonly engine: EnginePlace
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Swarm of this run: the first is its manager. Each has the same one guest image. */
    readonly swarm: readonly SwarmMachine[]
  }
}

const NODES = 3

/** A vitest global setup: a Swarm of three engines, each on a machine of its own as far as it can see. Meant for a namespace. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!process.env.REDTROVE_TEST_NAMESPACE) throw new Error('Run these by npm run test:containers.')
  const { machines, end } = await makeMachines(NODES)
  const swarm = machines.map((machine, n) => {
    return { ...machine, engine: enginePlace(join(CONTAINERS_DIR, `swarm-${n + 1}`), machine.pid) }
  })
  const stop = async () => {
    for (const { engine } of swarm) await stopEngine(engine)
    await end()
  }
  try {
    for (const { engine } of swarm) await startEngine(engine)
    await formSwarm(swarm)
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('swarm', swarm)
  return stop
}

async function formSwarm(swarm: readonly SwarmMachine[]): Promise<void> {
  const [first, ...others] = swarm
  if (!first) return
  for (const { engine } of swarm) {
    // A run that was killed leaves its things in the data folder.
    await clientOf(engine)
      .swarmLeave({ force: true })
      .catch(() => undefined)
    await removeGuests(clientOf(engine))
  }
  await buildGuestImages(first.engine, ['redis=bookworm-backports'])
  const manager = clientOf(first.engine)
  await manager.swarmInit({ AdvertiseAddr: first.address, ListenAddr: `${first.address}:2377` })
  const { JoinTokens: tokens } = await manager.swarmInspect()
  for (const { engine, address } of others) {
    await copyImages(manager, clientOf(engine))
    await clientOf(engine).swarmJoin({
      AdvertiseAddr: address,
      ListenAddr: `${address}:2377`,
      RemoteAddrs: [`${first.address}:2377`],
      JoinToken: tokens.Worker,
    })
  }
}

/** What a registry does elsewhere. */
async function copyImages(from: Docker, to: Docker): Promise<void> {
  const filters = { label: ['redtrove.datastore'], dangling: ['false'] }
  const wanted = (await from.listImages({ filters })).flatMap(({ RepoTags }) => RepoTags?.[0] ?? [])
  const there = (await to.listImages({ filters })).map(({ Id }) => Id)
  for (const tag of wanted) {
    const image = from.getImage(tag)
    if (there.includes((await image.inspect()).Id)) continue
    const answer = await to.loadImage(await image.get())
    await new Promise((resolve, reject) => answer.once('end', resolve).once('error', reject).resume())
  }
}
