/*
 * Gives guests that are silent their way to the broker again. An agent may declare nothing itself, so a broker that lost its data would never
 * hear of its guests; of a guest that is silent for another reason this costs two declarations each half minute.
 */
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Store } from '../../store/store.js'
import type { ControlMessaging } from '../../wire/messaging.js'

const LOOK_MS = 2_000
/** A guest that stays silent is given the same again after this. */
const AGAIN_MS = 30_000

/** Who is silent, and who makes what it needs. */
export interface GuestAccessParts {
  readonly store: { readonly instances: Pick<Store['instances'], 'silentFor' | 'findMany'> }
  readonly messaging: Pick<ControlMessaging, 'connected' | 'declareGuest' | 'removeGuest'>
  readonly reportAgeMsMax: number
  readonly clock: Clock
  readonly log: Logger
}

/** Looks every other second. Returns the way to stop it. */
export function startGuestAccess(parts: GuestAccessParts): () => Promise<void> {
  const { clock, log } = parts
  const givenMs = new Map<InstanceId, number>()
  return repeat(() => look(parts, givenMs), {
    pauseMs: LOOK_MS,
    clock,
    onFailure: (error) => log.debug({ reason: messageOf(error) }, 'no look at silent guests'),
  })
}

async function look(parts: GuestAccessParts, givenMs: Map<InstanceId, number>): Promise<void> {
  const { store, messaging, clock, log, reportAgeMsMax } = parts
  if (!messaging.connected()) return
  const silent = await store.instances.silentFor(reportAgeMsMax)
  for (const id of givenMs.keys()) if (!silent.includes(id)) givenMs.delete(id)
  for (const id of silent) {
    if (clock.monotonicMs() - (givenMs.get(id) ?? -AGAIN_MS) < AGAIN_MS) continue
    givenMs.set(id, clock.monotonicMs())
    try {
      await give(id, parts)
    } catch (error) {
      if (!isKind(error)) throw error
      log.warn({ instanceId: id, reason: error.message }, 'a silent guest has no way to the broker')
    }
  }
}

/** What was deleted meanwhile must not get back what its delete has removed. */
async function give(id: InstanceId, { store, messaging }: GuestAccessParts): Promise<void> {
  await messaging.declareGuest(id)
  const [living] = await store.instances.findMany([id])
  if (!living) await messaging.removeGuest(id)
}
