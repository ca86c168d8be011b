/* A set of real guests of one flavor, filled to what that flavor says and written over, with every refusal counted. */

import { waitUntil } from '../../common/wait-until.js'
import { dataBytesOf, type Flavor } from '../../domain/instance/flavor.js'
import { parseInfo } from '../../guestagent/redis/info.js'
import { type Bulk, writeBulk } from './bulk-writer.js'
import { type Guest, type guestYard, PASSWORD } from './guest.js'

const FULL = 0.95
/** Small ones on the smallest flavor; larger ones make the larger flavors full in a bearable time. */
const valueBytesOf = ({ id }: Flavor) => (id === '1' ? 1_000 : 10_000)
const STEP = 2_000

export interface Filled {
  readonly keys: number
  readonly refused: Readonly<Record<string, number>>
  /** Faults of the source's agent meanwhile, each once. */
  readonly faults: readonly string[]
  readonly source: Guest
  readonly replicas: readonly Guest[]
  readonly dataBytes: number
  /** The largest seen while it was written over. */
  readonly usedBytesMax: number
  readonly residentBytesMax: number
}

/** Data in a server: what it uses less what is there without any. */
export function dataBytesIn(info: string): number {
  const fields = parseInfo(info)
  const of = (name: string) => Number(fields.get(name) ?? 0)
  const replication = fields.has('mem_total_replication_buffers')
    ? of('mem_total_replication_buffers')
    : of('mem_replication_backlog') + of('mem_clients_slaves')
  return (
    of('used_memory') -
    of('used_memory_startup') -
    replication -
    of('mem_clients_normal') -
    of('mem_aof_buffer')
  )
}

/**
 * Fills the source of a set with `replicaCount` replicas, writes all of it over, and adds a replica meanwhile. Resolves when every replica
 * holds what the source holds.
 */
export async function fillAndWriteOver(
  yard: ReturnType<typeof guestYard>,
  flavor: Flavor,
  replicaCount: number,
): Promise<Filled> {
  const maxMemoryBytes = dataBytesOf(flavor.id)
  const source = await yard.source({}, { maxMemoryBytes })
  const replicas: Guest[] = []
  for (let made = 0; made < replicaCount; made += 1)
    replicas.push(await yard.replicaOf(source, {}, { maxMemoryBytes }))
  const redis = source.root()
  const refused: Record<string, number> = {}
  const write = async (bulk: Pick<Bulk, 'from' | 'to' | 'letter'>) => {
    const written = await writeBulk(source.endpoint, PASSWORD, { ...bulk, valueBytes: valueBytesOf(flavor) })
    for (const [word, count] of Object.entries(written.refused)) refused[word] = (refused[word] ?? 0) + count
  }
  let keys = 0
  for (;;) {
    const held = dataBytesIn(await redis.info())
    const missing = FULL * maxMemoryBytes - held
    const each = keys === 0 ? 0 : held / keys
    if (missing <= each || Object.keys(refused).length > 0) break
    const more = keys === 0 ? STEP : Math.max(1, Math.min(Math.floor(missing / each), keys))
    await write({ from: keys, to: keys + more, letter: 'a' })
    keys += more
  }
  const watch = watchSource(source)
  const joining = yard.replicaOf(source, {}, { maxMemoryBytes }, 600_000)
  await write({ from: 0, to: keys, letter: 'b' })
  replicas.push(await joining)
  await Promise.all(replicas.map((replica) => untilSame(source, replica)))
  const dataBytes = dataBytesIn(await redis.info())
  return { keys, refused, source, replicas, dataBytes, ...(await watch.stop()) }
}

async function untilSame(source: Guest, replica: Guest): Promise<void> {
  const look = async () => Promise.all([source, replica].map((guest) => guest.handlers.inspect({})))
  await waitUntil(
    'the replica holds what its source holds',
    look,
    ([from, to]) =>
      to?.observation.link === 'up' &&
      to.observation.keys === from?.observation.keys &&
      Math.abs((to.observation.offset ?? 0) - (from?.observation.offset ?? 0)) < 1_000,
    { timeoutMs: 600_000, pollMs: 100, describe: (seen) => JSON.stringify(seen) },
  )
}

function watchSource(source: Guest) {
  const faults = new Set<string>()
  let [usedBytesMax, residentBytesMax, stopped] = [0, 0, false]
  const redis = source.root()
  const done = (async () => {
    while (!stopped) {
      const fields = parseInfo(await redis.info('memory'))
      usedBytesMax = Math.max(usedBytesMax, Number(fields.get('used_memory') ?? 0))
      residentBytesMax = Math.max(residentBytesMax, Number(fields.get('used_memory_rss') ?? 0))
      const { observation } = await source.handlers.inspect({})
      if (observation.fault !== null) faults.add(observation.fault)
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await done
      return { faults: [...faults], usedBytesMax, residentBytesMax }
    },
  }
}
