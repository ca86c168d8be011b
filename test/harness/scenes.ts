/* One scene for each kind of operation: what must be there, the call that opens it, and what must hold afterwards. */
import { expect } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { withRedis } from './replica-set.js'
import type { Stack } from './stack.js'
import type { Answer } from './trove-client.js'

export interface Cast {
  readonly source: string
  readonly replica: string
  readonly password: string
}

export interface Scene {
  prepare(stack: Stack): Promise<Cast>
  /** Answers with the id of the operation it opened. */
  act(stack: Stack, cast: Cast): Promise<string | null>
  check(stack: Stack, cast: Cast, state: string): Promise<void>
}

const NOBODY: Cast = { source: '', replica: '', password: '' }
let number = 0
const keptPairs = new WeakMap<Stack, Cast>()

/** Makes a source with one replica. */
async function pair(stack: Stack): Promise<Cast> {
  number += 1
  const { id, password } = await stack.client.createSource(`scene-${number}`)
  const [replica = ''] = await stack.client.createReplicas(id, `scene-${number}-replica`, 1)
  await stack.client.healthy(replica)
  return { source: id, replica, password }
}

/** A pair that scenes which leave it whole share; who leads is looked up each time. */
async function keptPair(stack: Stack): Promise<Cast> {
  const kept = keptPairs.get(stack) ?? (await pair(stack))
  keptPairs.set(stack, kept)
  const { source, replica, password } = kept
  for (const id of [source, replica]) await stack.client.healthy(id)
  const leads = (await stack.client.show(source)).replicas !== undefined
  return leads ? kept : { source: replica, replica: source, password }
}

async function remove(stack: Stack, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const answer = await stack.client.send('DELETE', `/instances/${id}`)
    if (answer.status === 202) await stack.client.ended(answer.operationId)
  }
}

const opened = async (call: Promise<Answer>) => {
  const answer = await call
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.operationId
}

/** Exactly one of the members takes a write. */
async function expectOneWritable(stack: Stack, { source, replica, password }: Cast): Promise<void> {
  const tryWrite = async (id: string) =>
    withRedis(await stack.client.addressOf(id), password, (redis) => redis.set('probe', id)).catch(String)
  await waitUntil(
    'exactly one member takes writes',
    () => Promise.all([source, replica].map(tryWrite)),
    (said) => said.filter((one) => one === 'OK').length === 1,
    { timeoutMs: 10_000 },
  )
}

const whole: Scene['check'] = async (stack, cast) => {
  for (const id of [cast.source, cast.replica]) await stack.client.healthy(id)
  await expectOneWritable(stack, cast)
}

export const SCENES: Readonly<Record<string, Scene>> = {
  create_instance: {
    prepare: async () => NOBODY,
    act: (stack) =>
      opened(
        stack.client.send('POST', '/instances', {
          instance: { name: 'born', flavorRef: '1', volume: { size: 1 } },
        }),
      ),
    check: async (stack) => {
      const born = (await stack.client.list()).filter(({ name }) => name === 'born')
      await remove(stack, ...born.map(({ id }) => id))
    },
  },
  create_replicas: {
    prepare: keptPair,
    act: (stack, { source }) =>
      opened(stack.client.send('POST', '/instances', { instance: { name: 'more', replica_of: source } })),
    check: async (stack, cast) => {
      const more = (await stack.client.list()).filter(({ name }) => name === 'more')
      await remove(stack, ...more.map(({ id }) => id))
      await whole(stack, cast, '')
    },
  },
  promote_to_replica_source: {
    prepare: keptPair,
    act: (stack, { replica }) => opened(stack.client.act(replica, 'promote_to_replica_source')),
    check: whole,
  },
  restart_instance: {
    prepare: keptPair,
    act: (stack, { source }) => opened(stack.client.act(source, 'restart')),
    check: whole,
  },
  set_password: {
    prepare: keptPair,
    act: async (stack, { source, password }) => {
      const answer = await stack.client.send('POST', `/instances/${source}/root`, { password })
      const { body } = await stack.client.send<{ operations: { id: string; kind: string }[] }>(
        'GET',
        `/instances/${source}/operations?limit=20`,
      )
      return answer.operationId ?? body.operations.find(({ kind }) => kind === 'set_password')?.id ?? null
    },
    check: whole,
  },
  detach_replica: {
    prepare: async (stack) => {
      const { source, password } = await keptPair(stack)
      const before = (await stack.client.show(source)).replicas?.map(({ id }) => id) ?? []
      const replicas = await stack.client.createReplicas(source, 'leaving', 1)
      return { source, password, replica: replicas.find((id) => !before.includes(id)) ?? '' }
    },
    act: (stack, { replica }) =>
      opened(stack.client.send('PUT', `/instances/${replica}`, { instance: { replica_of: null } })),
    check: (stack, { replica }) => remove(stack, replica),
  },
  delete_instance: {
    prepare: async (stack) => ({ ...NOBODY, source: (await stack.client.createSource('leaving')).id }),
    act: (stack, { source }) => opened(stack.client.send('DELETE', `/instances/${source}`)),
    check: (stack, { source }) => stack.client.gone(source),
  },
  eject_replica_source: {
    prepare: pair,
    act: async (stack, { source }) => {
      for (const pid of stack.guestPids(source)) process.kill(pid, 'SIGSTOP')
      const answer = await stack.client.eject(source, 30_000)
      return answer.operationId
    },
    check: async (stack, { source, replica, password }, state) => {
      if (state === 'rolled_back') {
        for (const pid of stack.guestPids(source)) wake(pid)
        await stack.client.healthy(source)
      } else {
        await stack.client.healthy(replica)
        const said = await withRedis(await stack.client.addressOf(replica), password, (redis) =>
          redis.set('probe', '1'),
        )
        expect(said).toBe('OK')
        expect(() => stack.guestPids(source).map((pid) => process.kill(pid, 0))).toThrow()
      }
      await remove(stack, source, replica, source)
    },
  },
}

/** A guest that was fenced before the eject was taken back has other processes by now, which nobody froze. */
function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
