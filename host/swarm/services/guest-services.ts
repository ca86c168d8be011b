import type { CreateServiceOptions } from 'dockerode'
import { z } from 'zod'
import { RedtroveError } from '../../../common/errors.js'
import { waitUntil } from '../../../common/wait-until.js'
import type { Order } from '../../../domain/fencing/token.js'
import { guestNameOf } from '../../../domain/instance/guest-name.js'
import { asked, type Engine } from '../../docker/engine.js'
import { INSTALLATION_LABEL, INSTANCE_LABEL, type Storage } from '../../docker/guest-container.js'
import { imageFor } from '../../docker/guest-images.js'
import { requireNotOvertaken } from '../../orders.js'
import {
  type GuestRecords,
  overtakenAgainAndAgain,
  type SwarmRecord,
  swapped,
} from '../records/guest-records.js'
import type { FoundSeed, FreshSeed, GuestSecrets } from '../records/guest-secrets.js'
import { lastWord, mayRun, tasksOn } from '../swarm-view.js'
import { adapted, type FoundService, foundServiceSchema, isAsWanted, replicasOf } from './found-service.js'
import { AMQP_ADDRESS_FILE, AMQP_URL_FILE, serviceSpec } from './guest-service.js'

const TRIES_MAX = 5
const ALONE_MS_MAX = 15_000

/** The services of an installation's guests. */
export interface GuestServices {
  find(id: string): Promise<FoundService | null>
  /** Those that run guests, and those of sweeps. */
  all(): Promise<readonly FoundService[]>
  /**
   * Makes a guest's service do what its record says now; one without a record rests. `fresh` gives the seed of a guest that has none yet.
   * Fails with `stale_epoch` when a higher order is on record, `conflict` when others changed it again and again.
   */
  conform(id: string, order: Order | null, fresh: (() => FreshSeed) | null): Promise<void>
  remove(id: string): Promise<void>
}

/** What they are made of. */
export interface GuestServicesParts {
  readonly engine: Engine
  readonly installation: string
  readonly network: string
  readonly records: GuestRecords
  readonly secrets: GuestSecrets
  readonly storage: Storage
}

/** Opens them. */
export function guestServices({
  engine,
  installation,
  network,
  records,
  secrets,
  storage,
}: GuestServicesParts): GuestServices {
  const serviceOf = (id: string) => engine.getService(guestNameOf(id))

  async function find(id: string): Promise<FoundService | null> {
    const found = await asked(`look at the service of guest ${id}`, serviceOf(id).inspect(), [404])
    return found ? foundServiceSchema.parse(found) : null
  }

  async function anew(record: SwarmRecord, seed: FoundSeed): Promise<CreateServiceOptions> {
    const unwanted = seed.hasAccount ? AMQP_URL_FILE : AMQP_ADDRESS_FILE
    const broker = (await secrets.broker()).filter(({ file }) => file !== unwanted)
    const { name, version } = record.facts.datastore
    const { reference: image } = await imageFor(engine, name, version)
    return serviceSpec(record, {
      image,
      network,
      installation,
      storage,
      secrets: [seed, ...broker],
    })
  }

  /** False when somebody else changed it meanwhile. */
  async function change(id: string, found: FoundService, record: SwarmRecord | null, seed: FoundSeed | null) {
    if (record?.desired !== 'running' || replicasOf(found) > 0 || !seed)
      return swap(id, found, adapted(found, record, await secrets.broker()))
    await untilAlone(id, record)
    return swap(id, found, await anew(record, seed))
  }

  function swap(id: string, found: FoundService, spec: object): Promise<boolean> {
    const update = { _query: { version: found.Version.Index }, _body: spec }
    return swapped(`change the service of guest ${id}`, () => serviceOf(id).update(update))
  }

  /** True when there was nothing to be made. A service that somebody else made meanwhile is another record's, perhaps. */
  async function make(id: string, record: SwarmRecord, seed: FoundSeed | null): Promise<boolean> {
    if (seed) {
      await untilAlone(id, record)
      await asked(`make the service of guest ${id}`, engine.createService(await anew(record, seed)), [409])
      return false
    }
    if (record.desired !== 'running') return true
    throw new RedtroveError('guest_failed', `The seed of guest ${id} is gone; delete the instance.`)
  }

  /** Of a service that was removed, or stopped and not yet seen to have, a task may run still, and two may not have the volume. */
  async function untilAlone(id: string, { nodeId }: SwarmRecord): Promise<void> {
    await waitUntil(
      `no other task of guest ${id} runs`,
      async () => (await tasksOn(engine, nodeId, id)).filter((task) => mayRun(task, [{ id: nodeId }])),
      (tasks) => tasks.length === 0,
      { timeoutMs: ALONE_MS_MAX, pollMs: 100, kind: 'guest_failed', describe: lastWord },
    )
  }

  return {
    find,
    all: async () => {
      const filters = { label: [`${INSTALLATION_LABEL}=${installation}`, INSTANCE_LABEL] }
      const listed = await asked('list its services', engine.listServices({ filters }))
      return z.array(foundServiceSchema).parse(listed ?? [])
    },
    conform: async (id, order, fresh) => {
      for (let attempt = 1; attempt <= TRIES_MAX; attempt += 1) {
        // The record is read after the service, so that whoever changes both meanwhile is noticed by the service's version.
        const found = await find(id)
        const record = await records.find(id)
        if (record && order) requireNotOvertaken(id, order, record.order)
        if (found && isAsWanted(found, record, await secrets.broker())) return
        if (!found && !record) return
        const seed = record ? await secrets.seed(id, fresh) : null
        if (found && (await change(id, found, record, seed))) return
        if (!found && record && (await make(id, record, seed))) return
      }
      throw overtakenAgainAndAgain(id)
    },
    remove: async (id) => {
      await asked(`remove the service of guest ${id}`, serviceOf(id).remove(), [404])
    },
  }
}
