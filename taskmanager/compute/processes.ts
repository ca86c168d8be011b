/*
 * Guests by way of the host part on this machine: processes with a loopback address each, containers with an address in the engine's
 * network, so an instance is an address as in Trove, or services of a Swarm with a name each. Which of them only the host part knows.
 */

import { z } from 'zod'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import { datastoreOfferSchema } from '../../domain/datastore/offer.js'
import type { Order } from '../../domain/fencing/token.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import { flavorOf } from '../../domain/instance/flavor.js'
import type { Instance, InstanceId } from '../../domain/instance/instance.js'
import type { DatastoreVersion } from '../../store/store.js'
import { type GuestSpec, type GuestState, guestStateSchema } from '../../wire/host/guest.js'
import type { Compute, Machine } from './compute.js'
import { callHost } from './host-client.js'

/** How long the host part may take for an act. */
export interface Patience {
  readonly ensureMs: number
  readonly fenceMs: number
  readonly removeMs: number
}

const ONE_HOST: Patience = { ensureMs: 15_000, fenceMs: 10_000, removeMs: 30_000 }
const LOOK_MS = 3_000
const OFFERS_MS = 15_000

/** Where the host part is, and which addresses there are. */
export interface ProcessesOptions {
  /** The host part's unix socket. */
  readonly socketPath: string
  /** Gives an instance its address, recorded before it is used; it keeps it for life. */
  readonly allot: (id: InstanceId) => Promise<Endpoint>
  readonly instances: { find(projectId: null, id: InstanceId): Promise<{ instance: Described }> }
  readonly versions: () => Promise<readonly DatastoreVersion[]>
  /** By default that of a host part with one host. */
  readonly patience?: Patience
}

type Described = Pick<
  Instance,
  'endpoint' | 'flavorId' | 'datastoreVersionId' | 'availabilityZone' | 'locality'
>

/** Compute over the host part of this machine. */
export function processes(options: ProcessesOptions): Compute {
  const { socketPath, allot, instances, versions, patience = ONE_HOST } = options
  const guestPath = (id: InstanceId) => `/guests/${encodeURIComponent(id)}`
  const call = (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    timeoutMs: number,
    more: { order?: Order; body?: unknown } = {},
  ) => callHost(socketPath, { method, path, timeoutMs, answer: guestStateSchema, ...more })
  async function put(path: string, timeoutMs: number, machine: Machine, order: Order) {
    const { instance } = await instances.find(null, machine.instanceId)
    const endpoint = instance.endpoint ?? (await allot(machine.instanceId))
    const body = {
      ...machine,
      endpoint,
      ...sizeOf(instance),
      datastore: datastoreOf(instance, await versions()),
      availabilityZone: instance.availabilityZone,
      locality: instance.locality,
    }
    await call('PUT', path, timeoutMs, { order, body })
    return { endpoint }
  }
  return {
    ensure: (machine, order) => put(guestPath(machine.instanceId), patience.ensureMs, machine, order),
    move: (machine, order) =>
      put(`${guestPath(machine.instanceId)}/place`, patience.removeMs + patience.ensureMs, machine, order),
    leaving: async () => {
      const answer = z.object({ leaving: z.array(z.uuid()) })
      return (await callHost(socketPath, { method: 'GET', path: '/leaving', timeoutMs: LOOK_MS, answer }))
        .leaving
    },
    async remove(id, order) {
      await call('DELETE', guestPath(id), patience.removeMs, { order })
    },
    async fence(id, order) {
      const state = await call('POST', `${guestPath(id)}/fence`, patience.fenceMs, { order }).catch(
        (cause: unknown) => {
          if (isKind(cause, 'stale_epoch')) throw cause
          throw new RedtroveError('fence_failed', `Instance ${id} could not be fenced: ${messageOf(cause)}`, {
            cause,
          })
        },
      )
      if (!isGone(state))
        throw new RedtroveError(
          'fence_failed',
          `Instance ${id} could not be fenced: it is ${state.state} still.`,
        )
    },
    inspect: (id) => call('GET', guestPath(id), LOOK_MS),
    offers: async () => {
      const answer = z.object({ versions: z.array(datastoreOfferSchema) })
      const timeoutMs = OFFERS_MS
      return (await callHost(socketPath, { method: 'GET', path: '/datastores', timeoutMs, answer })).versions
    },
  }
}

/** Of the smallest flavor when its own is not offered any more. */
function sizeOf({ flavorId }: Described): Pick<GuestSpec, 'ramMb' | 'vcpus'> {
  const { ramMb, vcpus } = flavorOf(flavorId) ?? { ramMb: 128, vcpus: 1 }
  return { ramMb, vcpus }
}

function datastoreOf(
  { datastoreVersionId }: Described,
  versions: readonly DatastoreVersion[],
): GuestSpec['datastore'] {
  const version = versions.find(({ id }) => id === datastoreVersionId)
  if (version) return { name: version.datastore, version: version.name }
  throw new RedtroveError(
    'unprocessable',
    `The datastore version ${datastoreVersionId} is not known any more.`,
  )
}

/** No process of it is left, as far as the host part sees. `absent` counts: there is nothing that could serve. */
function isGone({ state, agentPid, serverPid }: GuestState): boolean {
  return (state === 'fenced' || state === 'absent') && agentPid === null && serverPid === null
}
