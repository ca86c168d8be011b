import type { DatastoreOffer, GuestSpec, GuestState } from '../../common/contracts/host.js'
import type { Endpoint, InstanceId } from '../../common/domain/instance.js'

/** All that a provider needs to run a guest; it chooses the address itself. */
export type Machine = Omit<GuestSpec, 'endpoint'>

/**
 * Where instances live. Every method may be repeated and has a deadline; `unavailable` when the provider does not answer,
 * `conflict` when it has no address left.
 */
export interface Compute {
  /** The guest's agent runs (again) at an address that is recorded and stays; a fenced guest is let go on. */
  ensure(machine: Machine): Promise<{ readonly endpoint: Endpoint }>
  /** Nothing is left of the guest; none there is a success. */
  remove(instanceId: InstanceId): Promise<void>
  /**
   * Returns only when the instance can no longer serve, and it stays so until `ensure`. Fails with `fence_failed` when that
   * cannot be confirmed, whatever the reason.
   */
  fence(instanceId: InstanceId): Promise<void>
  inspect(instanceId: InstanceId): Promise<GuestState>
  inventory(): Promise<readonly GuestState[]>
  /** What can be run here. */
  offers(): Promise<readonly DatastoreOffer[]>
}
