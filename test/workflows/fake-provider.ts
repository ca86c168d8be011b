import { RedtroveError } from '../../common/errors.js'
import type { Order } from '../../domain/fencing/token.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Store } from '../../store/store.js'
import type { Compute, Machine } from '../../taskmanager/compute/compute.js'
import type { GuestState } from '../../wire/host/guest.js'
import { FakeGuest } from './fake-guest.js'
import type { Gate } from './gate.js'
import type { VirtualClock } from './virtual-clock.js'

/** What a provider needs of its world. */
interface Ground {
  readonly guests: Map<InstanceId, FakeGuest>
  readonly store: Pick<Store, 'instances'>
  readonly clock: VirtualClock
}

/** The provider of a world: starts, fences and removes its guests, and refuses who was overtaken. */
export class FakeProvider {
  private readonly orders = new Map<InstanceId, Order>()
  private addresses = 1
  /** Guests whose host is to be emptied. */
  readonly leaving = new Set<InstanceId>()
  private readonly world: Ground

  constructor(world: Ground) {
    this.world = world
  }

  compute(gate: Gate): Compute {
    const state = (id: InstanceId): GuestState => ({
      instanceId: id,
      state: this.world.guests.get(id)?.process ?? 'absent',
      agentPid: null,
      serverPid: null,
    })
    return {
      ensure: (machine, order) =>
        gate('compute.ensure', async () => {
          this.accept(machine.instanceId, order)
          return this.ensure(machine)
        }),
      move: (machine, order) =>
        gate('compute.move', async () => {
          this.accept(machine.instanceId, order)
          if (this.leaving.delete(machine.instanceId)) this.world.guests.delete(machine.instanceId)
          return this.ensure(machine)
        }),
      leaving: async () => [...this.leaving],
      remove: (id, order) =>
        gate('compute.remove', async () => {
          this.accept(id, order)
          this.world.guests.delete(id)
        }),
      fence: (id, order) =>
        gate('compute.fence', async () => {
          this.accept(id, order)
          const guest = this.world.guests.get(id)
          if (guest) guest.process = 'fenced'
        }),
      inspect: (id) => gate('compute.inspect', async () => state(id)),
      offers: async () => [],
    }
  }

  async ensure(machine: Machine) {
    const known = this.world.guests.get(machine.instanceId)
    const { instance } = await this.world.store.instances.find(null, machine.instanceId)
    const endpoint = instance.endpoint ?? this.nextAddress()
    if (!instance.endpoint) await this.world.store.instances.setEndpoint(machine.instanceId, endpoint)
    if (known?.process === 'fenced') known.reboot()
    if (!known) {
      const guest = new FakeGuest(
        machine.instanceId,
        endpoint,
        machine,
        () => [...this.world.guests.values()],
        this.world.clock,
      )
      this.world.guests.set(machine.instanceId, guest)
    }
    return { endpoint }
  }

  private nextAddress() {
    this.addresses += 1
    return { host: `127.99.0.${this.addresses}`, port: 6379 }
  }

  private accept(id: InstanceId, { epoch, attempt }: Order): void {
    const seen = this.orders.get(id) ?? { epoch: 0, attempt: 0 }
    if (epoch < seen.epoch || (epoch === seen.epoch && attempt < seen.attempt))
      throw new RedtroveError('stale_epoch', 'The provider has seen a higher order.')
    this.orders.set(id, { epoch, attempt })
  }
}
