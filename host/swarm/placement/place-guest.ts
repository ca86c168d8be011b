import { systemClock } from '../../../common/clock.js'
import type { GuestSpec } from '../../../wire/host/guest.js'
import type { Engine } from '../../docker/engine.js'
import { memoryBytesOf } from '../../docker/guest-container.js'
import type { Leftovers } from '../leftovers.js'
import type { GuestRecords } from '../records/guest-records.js'
import { nodesOf } from '../swarm-view.js'
import { chooseNode, isAwaited, type SwarmNode } from './choose-node.js'

/** Members of a set are spread over what is known; waiting for a dead node would take three times as long. */
const HEARD_MS_MAX = 10_000
const HEARD_POLL_MS = 200

/**
 * The node for a guest as the Swarm is now; never one where an old volume of it is left. Waits a little when managers have just chosen another
 * leader. Fails as `chooseNode`.
 */
export async function placeGuest(
  { instanceId, assignment, ramMb, availabilityZone, locality }: GuestSpec,
  { engine, records, leftovers }: { engine: Engine; records: GuestRecords; leftovers: Leftovers },
): Promise<SwarmNode> {
  const [nodes, recorded, left] = await Promise.all([heardNodes(engine), records.all(), leftovers.all()])
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

/** All nodes, when they have been heard of or it has been waited for that. */
async function heardNodes(engine: Engine): Promise<readonly SwarmNode[]> {
  const sinceMs = systemClock.monotonicMs()
  for (;;) {
    const nodes = await nodesOf(engine)
    if (!nodes.some(isAwaited) || systemClock.monotonicMs() - sinceMs >= HEARD_MS_MAX) return nodes
    await systemClock.sleep(HEARD_POLL_MS)
  }
}
