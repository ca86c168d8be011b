/*
 * Volumes that nobody could remove yet, since their node takes no tasks (paused, drained) or is away: a Swarm config each, so that they are
 * removed when it does again, and so that no guest is placed where an old volume of its own is.
 */
import { createHash } from 'node:crypto'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import { asked, type Engine } from '../docker/engine.js'
import { INSTALLATION_LABEL } from '../docker/guest-container.js'

const [GUEST_LABEL, NODE_LABEL] = ['redtrove.leftover', 'redtrove.node']

/** A volume of a guest on a node. */
export interface Leftover {
  readonly instanceId: string
  readonly nodeId: string
}

/** Those of an installation; every method may be repeated. */
export interface Leftovers {
  add(leftover: Leftover): Promise<void>
  all(): Promise<readonly Leftover[]>
  forget(leftover: Leftover): Promise<void>
}

/** Opens them. */
export function openLeftovers(engine: Engine, installation: string): Leftovers {
  const nameOf = ({ instanceId, nodeId }: Leftover) =>
    `${guestNameOf(instanceId)}-${createHash('sha256').update(nodeId).digest('hex').slice(0, 12)}`
  return {
    add: async (leftover) => {
      const labels = {
        [INSTALLATION_LABEL]: installation,
        [GUEST_LABEL]: leftover.instanceId,
        [NODE_LABEL]: leftover.nodeId,
      }
      const config = { Name: nameOf(leftover), Labels: labels, Data: Buffer.from('{}').toString('base64') }
      await asked('remember a volume that is left', engine.createConfig(config), [409])
    },
    all: async () => {
      const filters = { label: [`${INSTALLATION_LABEL}=${installation}`, GUEST_LABEL] }
      const found = (await asked('list volumes that are left', engine.listConfigs({ filters }))) ?? []
      return found.map(({ Spec }) => ({
        instanceId: Spec?.Labels[GUEST_LABEL] ?? '',
        nodeId: Spec?.Labels[NODE_LABEL] ?? '',
      }))
    },
    forget: async (leftover) => {
      await asked('forget a volume that was left', engine.getConfig(nameOf(leftover)).remove(), [404])
    },
  }
}
