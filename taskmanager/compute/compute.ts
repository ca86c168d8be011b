import type { DatastoreOffer } from '../../domain/datastore/offer.js'
import type { Order } from '../../domain/fencing/token.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { GuestSpec, GuestState } from '../../wire/host/guest.js'

/** All that a provider needs to run a guest; it chooses the address itself, and looks up the rest in the instance's row. */
export type Machine = Omit<
  GuestSpec,
  'endpoint' | 'ramMb' | 'vcpus' | 'datastore' | 'availabilityZone' | 'locality'
>

/**
 * Where instances live. Every method may be repeated and has a deadline; `unavailable` when the provider does not answer,
 * `conflict` when it has no address left. Acts carry the operation's order and fail with `stale_epoch` when the provider has seen
 * a higher one for that instance.
 */
export interface Compute {
  /** The guest's agent runs (again) at an address that is recorded and stays; a fenced guest is let go on. */
  ensure(machine: Machine, order: Order): Promise<{ readonly endpoint: Endpoint }>
  /**
   * As `ensure`, on a host that takes guests: one elsewhere is removed with its data first, once it is known that there is a place for it
   * (`guest_failed` else, and nothing has changed). On a host that takes guests it stays as it is.
   */
  move(machine: Machine, order: Order): Promise<{ readonly endpoint: Endpoint }>
  /** Ids of guests on hosts that are to be emptied. */
  leaving(): Promise<readonly InstanceId[]>
  /** Nothing is left of the guest; none there is a success. */
  remove(instanceId: InstanceId, order: Order): Promise<void>
  /**
   * Returns only when the instance can no longer serve, and it stays so until `ensure`. Fails with `fence_failed` when that
   * cannot be confirmed, whatever the reason.
   */
  fence(instanceId: InstanceId, order: Order): Promise<void>
  inspect(instanceId: InstanceId): Promise<GuestState>
  /** What can be run here. */
  offers(): Promise<readonly DatastoreOffer[]>
}

/** Compute under one operation's order: what a workflow sees. */
export interface OrderedCompute extends Pick<Compute, 'inspect'> {
  ensure(machine: Machine): Promise<{ readonly endpoint: Endpoint }>
  move(machine: Machine): Promise<{ readonly endpoint: Endpoint }>
  remove(instanceId: InstanceId): Promise<void>
  fence(instanceId: InstanceId): Promise<void>
}

/**
 * Gives every act the same order, and confirms first that it may still be given: whoever stood still and was overtaken finds its
 * deadlines over when it wakes, and the provider knows of a higher order only once one was given.
 */
export function ordered(compute: Compute, order: Order, confirm: () => Promise<void>): OrderedCompute {
  return {
    ensure: (machine) => confirm().then(() => compute.ensure(machine, order)),
    move: (machine) => confirm().then(() => compute.move(machine, order)),
    remove: (id) => confirm().then(() => compute.remove(id, order)),
    fence: (id) => confirm().then(() => compute.fence(id, order)),
    inspect: (id) => compute.inspect(id),
  }
}
