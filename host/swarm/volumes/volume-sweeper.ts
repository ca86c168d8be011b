import type { Engine } from '../../docker/engine.js'
import { guestImages } from '../../docker/guest-images.js'
import type { Leftover, Leftovers } from '../leftovers.js'
import type { SwarmNode } from '../placement/choose-node.js'
import { nodesOf } from '../swarm-view.js'
import { sweepVolume } from './sweep-volume.js'

/** Removes guests' volumes, now or when their nodes can. */
export interface VolumeSweeper {
  /** A node that takes no tasks is swept when it does again; one that has left the Swarm is nobody's. */
  sweep(leftover: Leftover): Promise<void>
  /** What was left before, as far as nodes take tasks again. */
  sweepLeft(): Promise<void>
}

/** So that a node that takes tasks again is not busy with nothing else. */
const AT_ONCE = 4

/** Opens it. */
export function volumeSweeper(engine: Engine, installation: string, leftovers: Leftovers): VolumeSweeper {
  async function sweep(leftover: Leftover): Promise<void> {
    const node = (await nodesOf(engine)).find(({ id }) => id === leftover.nodeId)
    if (node && !takesTasks(node)) return leftovers.add(leftover)
    const [{ reference: image } = { reference: '' }] = await guestImages(engine)
    if (node) await sweepVolume(engine, { ...leftover, image, installation })
    await leftovers.forget(leftover)
  }

  return {
    sweep,
    sweepLeft: async () => {
      const left = await leftovers.all()
      if (left.length === 0) return
      const waiting = (await nodesOf(engine)).filter((node) => !takesTasks(node)).map(({ id }) => id)
      await sweepEach(
        left.filter(({ nodeId }) => !waiting.includes(nodeId)),
        sweep,
      )
    },
  }
}

/** Some at a time, each tried whatever becomes of the others; fails as the first did that failed. */
export async function sweepEach(
  left: readonly Leftover[],
  sweep: (leftover: Leftover) => Promise<void>,
): Promise<void> {
  const ends: PromiseSettledResult<void>[] = []
  for (let at = 0; at < left.length; at += AT_ONCE)
    ends.push(...(await Promise.allSettled(left.slice(at, at + AT_ONCE).map(sweep))))
  const failed = ends.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

function takesTasks({ state, active }: SwarmNode): boolean {
  return state === 'ready' && active
}
