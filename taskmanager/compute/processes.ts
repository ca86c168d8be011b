/*
 * The process provider: agent and redis-server are processes of one machine, owned by its host part. Each instance has a
 * loopback address of its own, so an instance is an address as in Trove.
 */
import { z } from 'zod'
import {
  datastoreOfferSchema,
  type GuestState,
  guestStateSchema,
  type Order,
} from '../../common/contracts/host.js'
import type { InstanceId } from '../../common/domain/instance.js'
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
    find(
      projectId: null,
      id: InstanceId,
    ): Promise<{ instance: { endpoint: { host: string; port: number } | null } }>
  }
}

/** Compute over the host part of this machine. */
export function processes({ socketPath, network, addresses }: ProcessesOptions): Compute {
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
      const endpoint = instance.endpoint ?? (await allotAddress(machine.instanceId, network, addresses))
      await call('PUT', guestPath(machine.instanceId), ENSURE_MS, { order, body: { ...machine, endpoint } })
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

/** No process of it is left, as far as the host part sees. `absent` counts: there is nothing that could serve. */
function isGone({ state, agentPid, serverPid }: GuestState): boolean {
  return (state === 'fenced' || state === 'absent') && agentPid === null && serverPid === null
}
