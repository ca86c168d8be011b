/* The volume of a guest on one engine: made once in the guest's life, and never replaced by an empty one. */

import { messageOf, RedtroveError } from '../../common/errors.js'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import { asked, type Engine, statusOf } from './engine.js'
import { isUnasked } from './guest-container.js'

const GONE = [404]
/** The end of what an engine says of a volume that it has not; it answers 404 too when the volume's driver is not there yet. */
const NO_SUCH_VOLUME = /no such volume\s*$/

/**
 * Whether the guest's volume is there. An engine that makes a container makes a volume that it misses too, empty and without a word:
 * such a one is removed again with its container, in which nothing was started. May be repeated; fails with `unavailable` while the
 * volume's driver does not answer.
 */
export async function findVolume(engine: Engine, instanceId: string): Promise<boolean> {
  const found = await lookAt(engine, instanceId)
  if (found === null || !isUnasked(found.Labels)) return found !== null
  await removeWithVolume(engine, instanceId)
  return false
}

async function lookAt(engine: Engine, instanceId: string) {
  const look = engine.getVolume(guestNameOf(instanceId)).inspect()
  const isGone = (error: unknown) => statusOf(error) === 404 && NO_SUCH_VOLUME.test(messageOf(error))
  return look.catch((cause: unknown) => {
    if (isGone(cause)) return null
    throw new RedtroveError(
      'unavailable',
      `Docker could not look at the volume of guest ${instanceId}: ${messageOf(cause)}`,
      { cause },
    )
  })
}

/** Removes a guest's container, whatever it does, and its volume. May be repeated. */
export async function removeWithVolume(engine: Engine, instanceId: string): Promise<void> {
  const name = guestNameOf(instanceId)
  await asked(`remove guest ${instanceId}`, engine.getContainer(name).remove({ force: true, v: true }), GONE)
  await asked(`remove the volume of guest ${instanceId}`, engine.getVolume(name).remove(), GONE)
}

/** Why nothing can be started: with an empty volume a source would lead with nothing, and its replicas copy that. */
export function volumeGone(instanceId: string): RedtroveError {
  return new RedtroveError(
    'guest_failed',
    `The volume ${guestNameOf(instanceId)} is gone, and the data with it. Eject the instance if it leads, and delete it.`,
  )
}
