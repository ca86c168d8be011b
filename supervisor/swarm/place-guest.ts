import type { GuestSpec } from '../../common/contracts/host.js'
import type { Engine } from '../docker/engine.js'
import { memoryBytesOf } from '../docker/guest-container.js'
import { chooseNode, type SwarmNode } from './choose-node.js'
import type { GuestRecords } from './guest-records.js'
import type { Leftovers } from './leftovers.js'
import { nodesOf } from './swarm-view.js'

/** The node for a guest as the Swarm is now. Fails with `unprocessable` when there is none; never one where an old volume of it is left. */
export async function placeGuest(
  { instanceId, assignment, ramMb, availabilityZone, locality }: GuestSpec,
  { engine, records, leftovers }: { engine: Engine; records: GuestRecords; leftovers: Leftovers },
): Promise<SwarmNode> {
  const [nodes, recorded, left] = await Promise.all([nodesOf(engine), records.all(), leftovers.all()])
  const own = left.filter((leftover) => leftover.instanceId === instanceId).map(({ nodeId }) => nodeId)
  const placed = recorded.map(({ facts, setId, nodeId }) => ({
    instanceId: facts.instanceId,
    setId,
    nodeId,
    memoryBytes: memoryBytesOf(facts),
  }))
  return chooseNode(
    nodes.filter(({ id }) => !own.includes(id)),
    placed,
    {
      instanceId,
      setId: assignment.setId,
      memoryBytes: memoryBytesOf({ ramMb }),
      zone: availabilityZone,
      locality,
    },
  )
}
