/*
 * What each guest should be, kept by the Swarm's managers themselves, so that it is safe when one of them is lost and the same for every
 * host part: a Swarm config of the guest's name. Its data never change; its labels do, each change only if nobody changed it meanwhile.
 */
import { z } from 'zod'
import { messageOf, RedtroveError } from '../../../common/errors.js'
import type { Order } from '../../../domain/fencing/token.js'
import { guestNameOf } from '../../../domain/instance/guest-name.js'
import { type GuestSpec, guestSpecSchema, orderSchema } from '../../../wire/host/guest.js'
import { asked, type Engine } from '../../docker/engine.js'
import { INSTALLATION_LABEL, INSTANCE_LABEL, labelsOf } from '../../docker/guest-container.js'
import { requireNotOvertaken } from '../../orders.js'

/** Nothing secret: whoever may ask a manager can read it. */
const factsSchema = guestSpecSchema.pick({
  instanceId: true,
  datastore: true,
  ramMb: true,
  vcpus: true,
  volumeGb: true,
})
type GuestFacts = z.output<typeof factsSchema>

const DESIRED = ['running', 'fenced', 'removed'] as const
const [DESIRED_LABEL, NODE_LABEL, SET_LABEL, ORDER_LABEL] = [
  'redtrove.desired',
  'redtrove.node',
  'redtrove.set',
  'redtrove.order',
]

/** What a guest should be, and where. */
export interface SwarmRecord {
  readonly facts: GuestFacts
  readonly desired: (typeof DESIRED)[number]
  readonly nodeId: string
  readonly setId: string
  /** The highest that was seen. */
  readonly order: Order
  /** Of the config as it was read; a change is refused when it is another one by then. */
  readonly version: number
}

const infoSchema = z.object({
  Version: z.object({ Index: z.int() }),
  Spec: z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()), Data: z.string() }),
})

const TRIES_MAX = 5

/** The records of one installation. */
export interface GuestRecords {
  find(id: string): Promise<SwarmRecord | null>
  all(): Promise<readonly SwarmRecord[]>
  /** Records a new guest; of two that do so the first one counts. Answers with what is recorded. */
  add(spec: GuestSpec, nodeId: string, order: Order | null): Promise<SwarmRecord>
  /** Changes what is wanted. Null when there is no such guest; `stale_epoch` when a higher order was seen. */
  want(id: string, desired: SwarmRecord['desired'], order: Order | null): Promise<SwarmRecord | null>
  forget(id: string): Promise<void>
}

/** Opens them; `unavailable` from each method while no manager answers. */
export function guestRecords(engine: Engine, installation: string): GuestRecords {
  const configOf = (id: string) => engine.getConfig(guestNameOf(id))

  async function find(id: string): Promise<SwarmRecord | null> {
    const found = await asked(`look at the record of guest ${id}`, configOf(id).inspect(), [404])
    return found ? recordOf(found) : null
  }

  async function want(
    id: string,
    desired: SwarmRecord['desired'],
    order: Order | null,
  ): Promise<SwarmRecord | null> {
    for (let attempt = 1; ; attempt += 1) {
      const record = await find(id)
      if (record === null) return null
      if (order) requireNotOvertaken(id, order, record.order)
      const next = { ...record, desired, order: order ?? record.order }
      const changed = await swapped(`change the record of guest ${id}`, () =>
        configOf(id).update({ _query: { version: record.version }, _body: specOf(next, installation) }),
      )
      if (changed) return next
      if (attempt === TRIES_MAX) throw overtakenAgainAndAgain(id)
    }
  }

  return {
    find,
    want,
    all: async () => {
      const filters = { label: [`${INSTALLATION_LABEL}=${installation}`] }
      const found = (await asked('list the records of guests', engine.listConfigs({ filters }))) ?? []
      return found.filter(({ Spec }) => Spec?.Labels[INSTANCE_LABEL]).map(recordOf)
    },
    add: async (spec, nodeId, order) => {
      const { instanceId: id, assignment } = spec
      const fresh: SwarmRecord = {
        facts: factsSchema.parse(spec),
        desired: 'running',
        nodeId,
        setId: assignment.setId,
        order: order ?? { epoch: 0, attempt: 0 },
        version: 0,
      }
      const made = engine.createConfig(specOf(fresh, installation))
      await asked(`record guest ${id}`, made, [409])
      const recorded = await find(id)
      if (recorded) return recorded
      throw new RedtroveError('conflict', `Guest ${id} was removed while it was made.`)
    },
    forget: async (id) => {
      await asked(`forget guest ${id}`, configOf(id).remove(), [404])
    },
  }
}

/** True when the change was made, false when somebody else changed it first. */
export async function swapped(what: string, change: () => Promise<unknown>): Promise<boolean> {
  try {
    await asked(what, change())
    return true
  } catch (error) {
    // Managers say so in words alone.
    if (/out of sequence/.test(messageOf(error))) return false
    throw error
  }
}

/** For whoever lost the race for a guest's record or service each time. */
export function overtakenAgainAndAgain(id: string): RedtroveError {
  return new RedtroveError('conflict', `Guest ${id} was changed by others ${TRIES_MAX} times meanwhile.`)
}

function specOf({ facts, desired, nodeId, setId, order }: SwarmRecord, installation: string) {
  return {
    Name: guestNameOf(facts.instanceId),
    Labels: {
      ...labelsOf(facts.instanceId, installation),
      [DESIRED_LABEL]: desired,
      [NODE_LABEL]: nodeId,
      [SET_LABEL]: setId,
      [ORDER_LABEL]: `${order.epoch}.${order.attempt}`,
    },
    Data: Buffer.from(JSON.stringify(facts)).toString('base64'),
  }
}

function recordOf(info: unknown): SwarmRecord {
  const { Version, Spec } = infoSchema.parse(info)
  const { Labels: labels, Data: data } = Spec
  return {
    facts: factsSchema.parse(JSON.parse(Buffer.from(data, 'base64').toString('utf8'))),
    desired: z.enum(DESIRED).parse(labels[DESIRED_LABEL]),
    nodeId: z.string().min(1).parse(labels[NODE_LABEL]),
    setId: z.string().parse(labels[SET_LABEL]),
    order: orderSchema.parse(labels[ORDER_LABEL]),
    version: Version.Index,
  }
}
