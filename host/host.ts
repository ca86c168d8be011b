import type { DatastoreOffer } from '../domain/datastore/offer.js'
import type { Order } from '../domain/fencing/token.js'
import type { GuestSpec, GuestState } from '../wire/host/guest.js'

/**
 * Guests somewhere; every method may be repeated. `order` is the operation's that asks, null for a person's call; a lower one than
 * was seen for the guest fails with `stale_epoch`.
 */
export interface Host {
  ensure(spec: GuestSpec, order: Order | null): Promise<GuestState>
  /** As `ensure`, on a host that takes guests; fails before anything is changed when there is none. */
  move(spec: GuestSpec, order: Order | null): Promise<GuestState>
  /** Ids of guests on hosts that are to be emptied. */
  leaving(): Promise<readonly string[]>
  fence(instanceId: string, order: Order | null): Promise<GuestState>
  inspect(instanceId: string): Promise<GuestState>
  remove(instanceId: string, order: Order | null): Promise<GuestState>
  offers(): Promise<readonly DatastoreOffer[]>
  /** Runs every guest that should run (adopts or starts it) with what it has to know now. */
  open(): Promise<void>
  /** The service ends. Guests that nobody else keeps are stopped, cleanly where that works. */
  stop(): Promise<void>
}
