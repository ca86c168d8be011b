/* What users and operators do while things go wrong. A refusal is an answer too; what counts is that it says so at once. */
import { waitUntil } from '../../../common/wait-until.js'
import type { Answer } from '../trove-client.js'
import { replicaOf, type Scene, signal, sourceOf } from './fault.js'

export interface Acted {
  readonly what: string
  readonly status: number
  readonly operationId: string | null
  /** Undoes what the act itself broke. */
  heal(): Promise<void>
}

export interface Act {
  readonly name: 'create' | 'detach' | 'promote' | 'eject' | 'restart' | 'delete'
  act(scene: Scene): Promise<Acted>
}

/** No request may end in anything else: accepted, refused with a reason, or "not now". */
const ANSWERS = [200, 201, 202, 400, 403, 404, 409, 422, 503]
const EJECT_MS_MAX = 8_000

const nothing = async () => undefined

async function answered(what: string, call: Promise<Answer>): Promise<Acted> {
  // The API itself may be the one that was killed: then nobody answers, and nothing may come of it but a whole operation.
  const answer = await call.catch((error: unknown) => ({ status: 0, body: String(error), operationId: null }))
  if (answer.status !== 0 && !ANSWERS.includes(answer.status))
    throw new Error(`${what} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
  return {
    what: `${what}: ${answer.status}`,
    status: answer.status,
    operationId: answer.operationId,
    heal: nothing,
  }
}

export const ACTS: readonly Act[] = [
  {
    name: 'create',
    act: async (scene) => {
      const { client } = scene.stage.stack
      const replica_of = await sourceOf(scene)
      const instance = { name: `${scene.set.name}-more`, replica_of, replica_count: 2 }
      return answered('create 2 replicas', client.send('POST', '/instances', { instance }))
    },
  },
  {
    name: 'detach',
    act: async (scene) => {
      const id = await leaver(scene)
      if (id === null) return nobodyKnows('detach')
      const call = scene.stage.stack.client.send('PUT', `/instances/${id}`, {
        instance: { replica_of: null },
      })
      return answered('detach', call)
    },
  },
  {
    name: 'promote',
    act: async (scene) => {
      const id = await replicaOf(scene)
      return answered('promote', scene.stage.stack.client.act(id, 'promote_to_replica_source'))
    },
  },
  { name: 'eject', act: ejectFrozen },
  {
    name: 'restart',
    act: async (scene) => {
      const id = scene.random.next() < 0.5 ? await sourceOf(scene) : await replicaOf(scene)
      return answered('restart', scene.stage.stack.client.act(id, 'restart'))
    },
  },
  {
    name: 'delete',
    act: async (scene) => {
      const id = await leaver(scene)
      if (id === null) return nobodyKnows('delete')
      return answered('delete', scene.stage.stack.client.send('DELETE', `/instances/${id}`))
    },
  },
]

/** A replica that writers do not turn to any more; null while nobody can say who is a replica. */
async function leaver(scene: Scene): Promise<string | null> {
  const source = await scene.set.sourceId()
  if (source === null) return null
  const id = await replicaOf(scene)
  if (id === source) return null
  scene.set.leave(id)
  return id
}

function nobodyKnows(what: string): Acted {
  return { what: `${what}: nobody can say who follows`, status: 0, operationId: null, heal: nothing }
}

/** Hangs the source's host and asks until the eject is accepted, as somebody with a pager would. */
async function ejectFrozen(scene: Scene): Promise<Acted> {
  const id = await sourceOf(scene)
  const pids = Object.values(scene.set.pids(id))
  signal(pids, 'SIGSTOP')
  const heal = async () => {
    signal(pids, 'SIGCONT')
  }
  const acted = await waitUntil(
    'the eject is accepted',
    () => answered('eject', scene.stage.stack.client.act(id, 'eject_replica_source')),
    ({ status }) => status === 202,
    { timeoutMs: EJECT_MS_MAX, pollMs: 200 },
  ).catch((error: unknown) => ({ what: `eject: ${error}`, status: 0, operationId: null }))
  return { ...acted, heal }
}

export function actNamed(name: Act['name']): Act {
  const found = ACTS.find((one) => one.name === name)
  if (!found) throw new Error(`no act ${name}`)
  return found
}
