/* A source that comes back with nothing: a volume that was not mounted, a folder that somebody emptied. Its replica has the data still. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { emptyGuest } from '../harness/emptied.js'
import { type ReplicaSet, replicaSet, withRedis } from '../harness/replica-set.js'
import { type Stack, startStack } from '../harness/stack.js'

/** What the host keeps there, and what it tells an agent. */
const HOSTS = ['guest.json', 'seed.json']
const GONE = /data directory is empty/
let stack: Stack

beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

describe.each([
  { what: 'that was born as one', promotes: false },
  { what: 'that was born as a replica', promotes: true },
])('a source $what and comes back with nothing', ({ promotes }) => {
  let set: ReplicaSet
  let source: string

  beforeAll(async () => {
    set = await replicaSet(stack, promotes ? 'promoted' : 'born', 1)
    source = await set.sourceId()
    if (promotes) await promote()
    await withRedis(set.endpointOf(source), set.password, (redis) => redis.set('kept', 'yes'))
    await waitUntil('the replica has it', keptOnReplica, (value) => value === 'yes', { timeoutMs: 10_000 })
    emptyGuest(stack.guest(source), join(stack.stateDir, 'guests', source), HOSTS)
  })

  it('says so, is in ERROR, and nobody copies its emptiness', async () => {
    const shown = await waitUntil(
      'the fault is shown',
      () => stack.client.show(source),
      ({ fault }) => GONE.test(fault?.message ?? ''),
      { timeoutMs: 30_000, pollMs: 50 },
    )
    expect(shown.operating_status).toBe('ERROR')
    expect(await set.tryWrite(source)).toMatch(/ECONNREFUSED|closed/)
    expect(await keptOnReplica()).toBe('yes')
  })

  it('does not lead after a restart either', async () => {
    const restart = await stack.client.act(source, 'restart')
    expect(restart, JSON.stringify(restart.body)).toMatchObject({ status: 202 })
    const ended = await stack.client.ended(restart.operationId)
    expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'rolled_back' })
    expect(ended.fault).toMatch(GONE)
    expect(await set.tryWrite(source)).toMatch(/ECONNREFUSED|closed/)
    expect(await keptOnReplica()).toBe('yes')
  })

  it('is ejected without a word more, and the replica leads with what it has', async () => {
    const accepted = await stack.client.act(source, 'eject_replica_source')
    expect(accepted, JSON.stringify(accepted.body)).toMatchObject({ status: 202 })
    const ended = await stack.client.ended(accepted.operationId)
    expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
    expect((await stack.client.show(replica())).replication?.role).toBe('source')
    expect(await keptOnReplica()).toBe('yes')
    expect(await set.tryWrite(replica())).toBe('OK')
  })

  const replica = () => set.ids.find((id) => id !== source) ?? ''
  const keptOnReplica = () => withRedis(set.endpointOf(replica()), set.password, (redis) => redis.get('kept'))

  async function promote(): Promise<void> {
    const next = replica()
    const { operationId } = await stack.client.act(next, 'promote_to_replica_source')
    expect(await stack.client.ended(operationId)).toMatchObject({ state: 'done' })
    source = next
    await set.linksUp(source)
  }
})
