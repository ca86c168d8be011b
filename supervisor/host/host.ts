import type { DatastoreOffer, GuestSpec, GuestState } from '../../common/contracts/host.js'

/** Guests somewhere; every method may be repeated. */
export interface Host {
  ensure(spec: GuestSpec): Promise<GuestState>
  fence(instanceId: string): Promise<GuestState>
  inspect(instanceId: string): Promise<GuestState>
  inventory(): Promise<readonly GuestState[]>
  remove(instanceId: string): Promise<GuestState>
  offers(): Promise<readonly DatastoreOffer[]>
  /** Runs every guest that should run (adopts or starts it) with what it has to know now. */
  open(): Promise<void>
  /** The service ends. Guests that nobody else keeps are stopped, cleanly where that works. */
  stop(): Promise<void>
}
