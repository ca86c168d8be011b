/*
 * Guests of one machine, owned by its host part: processes with a loopback address each, or containers with an address in the
 * engine's network, so an instance is an address as in Trove. Which of them it is only the host part knows.
 */
import { z } from 'zod'
import {
  datastoreOfferSchema,
  type GuestSpec,
  type GuestState,
  guestStateSchema,
  type Order,
} from '../../common/contracts/host.js'
import type { DatastoreVersion } from '../../common/db/store.js'
import { flavorOf } from '../../common/domain/flavor.js'
import type { Endpoint, Instance, InstanceId } from '../../common/domain/instance.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import { type AddressBook, allotAddress } from './addresses.js'
import type { Compute, Machine } from './compute.js'
import { callHost } from './host-client.js'

const ENSURE_MS = 15_000
const FENCE_MS = 10_000
const REMOVE_MS = 30_000
const LOOK_MS = 3_000
const OFFERS_MS = 15_000

/** Where the host part is, and which addresses there are. */
export interface ProcessesOptions {
  /** The host part's unix socket. */
  readonly socketPath: string
  /** First two numbers of the /16 that addresses come from. */
  readonly network: string
  readonly addresses: AddressBook & {
    find(projectId: null, id: InstanceId): Promise<{ instance: Described }>
  }
  readonly versions: () => Promise<readonly DatastoreVersion[]>
  /** Whether somebody has an address already; by default whoever answers there. An engine that gives addresses knows by itself. */
  readonly listens?: (endpoint: Endpoint) => Promise<boolean>
}

type Described = Pick<Instance, 'endpoint' | 'flavorId' | 'datastoreVersionId'>

/** Compute over the host part of this machine. */
export function processes({ socketPath, network, addresses, versions, listens }: ProcessesOptions): Compute {
  const guestPath = (id: InstanceId) => `/guests/${encodeURIComponent(id)}`
  const call = (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    timeoutMs: number,
    more: { order?: Order; body?: unknown } = {},
  ) => callHost(socketPath, { method, path, timeoutMs, answer: guestStateSchema, ...more })
  return {
    async ensure(machine: Machine, order) {
      const { instance } = await addresses.find(null, machine.instanceId)
      const endpoint =
        instance.endpoint ?? (await allotAddress(machine.instanceId, network, addresses, listens))
      const body = {
        ...machine,
        endpoint,
        ...sizeOf(instance),
        datastore: datastoreOf(instance, await versions()),
      }
      await call('PUT', guestPath(machine.instanceId), ENSURE_MS, { order, body })
      return { endpoint }
    },
    async remove(id, order) {
      await call('DELETE', guestPath(id), REMOVE_MS, { order })
    },
    async fence(id, order) {
      const state = await call('POST', `${guestPath(id)}/fence`, FENCE_MS, { order }).catch(
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
    inventory: async () => {
      const answer = z.object({ guests: z.array(guestStateSchema) })
      const timeoutMs = LOOK_MS
      return (await callHost(socketPath, { method: 'GET', path: '/guests', timeoutMs, answer })).guests
    },
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
