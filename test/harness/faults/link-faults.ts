/* Weather on the links: to the broker, and between members. */

import { type Fault, replicaOf, type Scene, sourceOf } from './fault.js'
import { losePackets } from './namespace.js'
import type { Weather } from './weather.js'

const BLACKHOLE: Weather = { kind: 'blackhole' }

/** Whose links, as the weather hits them. */
interface Where {
  /** Replication links to these members' servers. */
  readonly servers?: (scene: Scene) => Promise<readonly string[]>
  /** Broker links of these members' agents. */
  readonly agents?: (scene: Scene) => Promise<readonly string[]>
  readonly taskmanagers?: boolean
}

function weather(name: string, row: number, where: Where, how: (scene: Scene) => Weather): Fault {
  return {
    name,
    row,
    inject: async (scene) => {
      const { stage, set } = scene
      const made = how(scene)
      const servers = (await where.servers?.(scene)) ?? []
      const agents = (await where.agents?.(scene)) ?? []
      const proxies = await Promise.all(servers.map((id) => stage.toMember(set.member(id).endpoint.host)))
      for (const proxy of proxies) proxy.setWeather(made)
      // An agent that is started again meets the same weather.
      if (agents.length > 0)
        stage.toBroker.setWeather(
          made,
          stage.linksOf(() => agents.map((id) => set.pids(id).agent)),
        )
      if (where.taskmanagers) stage.toBroker.setWeather(made, stage.linksOf(stage.taskmanagers))
      return {
        what: `${name} (${made.kind})`,
        heal: async () => {
          for (const proxy of [...proxies, stage.toBroker]) proxy.setWeather({ kind: 'clear' })
        },
      }
    },
  }
}

const source = async (scene: Scene) => [await sourceOf(scene)]
const replica = async (scene: Scene) => [await replicaOf(scene)]
const everybody = async ({ set }: Scene) => set.members.map(({ id }) => id)

export const LINK_FAULTS: readonly Fault[] = [
  weather(
    'the source cut off from replicas and broker',
    7,
    { servers: source, agents: source },
    () => BLACKHOLE,
  ),
  weather('the source cut off from its replicas', 7, { servers: source }, () => BLACKHOLE),
  weather("the source's agent cut off from the broker", 7, { agents: source }, () => BLACKHOLE),
  weather("a replica's agent cut off from the broker", 8, { agents: replica }, () => BLACKHOLE),
  weather('all agents cut off from the broker', 8, { agents: everybody }, () => BLACKHOLE),
  weather('the taskmanagers cut off from the broker', 8, { taskmanagers: true }, () => BLACKHOLE),
  weather('replication lost towards the replicas', 9, { servers: source }, () => ({
    kind: 'one-way',
    lost: 'to client',
  })),
  weather('replication lost towards the source', 9, { servers: source }, () => ({
    kind: 'one-way',
    lost: 'to server',
  })),
  weather('messages lost towards the agents', 9, { agents: everybody }, () => ({
    kind: 'one-way',
    lost: 'to client',
  })),
  weather('messages lost from the agents', 9, { agents: everybody }, () => ({
    kind: 'one-way',
    lost: 'to server',
  })),
  weather('messages torn', 9, { agents: everybody, taskmanagers: true }, ({ random }) => ({
    kind: 'torn',
    afterBytes: random.between(1, 3000),
  })),
  weather('replication torn', 9, { servers: everybody }, ({ random }) => ({
    kind: 'torn',
    afterBytes: random.between(1, 20_000),
  })),
  weather('replication late and slow', 16, { servers: everybody }, () => ({
    kind: 'delay',
    delayMs: 200,
    jitterMs: 100,
  })),
  weather('messages late', 16, { agents: everybody, taskmanagers: true }, () => ({
    kind: 'delay',
    delayMs: 100,
    jitterMs: 100,
  })),
  {
    name: 'a tenth of the packets of a member lost',
    row: 9,
    inject: async (scene) => {
      const { host } = scene.set.member(await sourceOf(scene)).endpoint
      const heal = await losePackets(host, 0.1)
      let healed = false
      return {
        what: `10 % of packets from and to ${host} lost`,
        heal: async () => {
          if (!healed) await heal()
          healed = true
        },
      }
    },
  },
]
