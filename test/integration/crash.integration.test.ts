import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn, startWriters } from '../../demo/writers.js'
import { type ReplicaSet, replicaSet, withRedis } from '../harness/replica-set.js'
import { type Stack, startStack } from '../harness/stack.js'

describe('a process that is killed', () => {
  let stack: Stack
  let set: ReplicaSet

  beforeAll(async () => {
    stack = await startStack()
    set = await replicaSet(stack, 'crash', 2)
  })
  afterAll(() => stack.stop())

  it('redis-server of the source comes back by itself with every acknowledged write, and the replicas follow again', async () => {
    const source = await set.sourceId()
    const writers = startWriters({
      members: () => [set.endpointOf(source)],
      password: set.password,
      writers: 8,
      prefix: 'k',
    })
    await waitUntil(
      'writers are writing',
      () => writers.ledger.acks.length,
      (acks) => acks > 2000,
      { timeoutMs: 20_000 },
    )
    const before = await serverPid(source)
    process.kill(before, 'SIGKILL')
    const killedAt = performance.now()
    await waitUntil(
      'the source takes writes again',
      () => writers.ledger.acks.find((ack) => ack.atMs > killedAt + 20),
      (ack) => ack !== undefined,
      { timeoutMs: 30_000 },
    )
    const ledger = await writers.stop()
    const missing = await missingOn(set.endpointOf(source), set.password, 'k', ledger)
    console.log(
      `kill -9 of the source's redis-server: ${ledger.acks.length} acknowledged writes, ${missing.length} lost`,
    )
    expect(missing).toEqual([])
    expect(await serverPid(source)).not.toBe(before)
    await set.linksUp(source)
    for (const id of set.ids) {
      expect(await set.heldBy(id, 'k', ledger)).toEqual([])
      await stack.client.healthy(id)
    }
  })

  it('an agent alone: redis-server does not notice, and the next agent takes it over', async () => {
    const source = await set.sourceId()
    const server = await serverPid(source)
    const { agentPid } = stack.guest(source)
    process.kill(agentPid, 'SIGKILL')
    await waitUntil(
      'another agent runs',
      () => stack.guest(source),
      (guest) => guest.agentPid !== agentPid && guest.agentPid > 0,
      {
        timeoutMs: 20_000,
      },
    )
    await stack.client.healthy(source)
    expect(await serverPid(source)).toBe(server)
    expect(await set.tryWrite(source)).toBe('OK')
  })

  it('a topology that somebody changed by hand is repaired and recorded', async () => {
    const source = await set.sourceId()
    const stray = set.ids.find((id) => id !== source) ?? ''
    await stack.asAgent(stray, ['REPLICAOF', 'NO', 'ONE'])
    expect(await set.tryWrite(stray)).not.toBe('OK')
    await set.linksUp(source)
    const operations = await waitUntil(
      'the repair is recorded',
      () =>
        stack.client.send<{ operations: { kind: string; state: string }[] }>(
          'GET',
          `/instances/${stray}/operations`,
        ),
      ({ body }) => body.operations.some((op) => op.kind === 'repair_replication' && op.state === 'done'),
      { timeoutMs: 20_000 },
    )
    expect(operations.status).toBe(200)
  })

  async function serverPid(id: string): Promise<number> {
    const info = await withRedis(set.endpointOf(id), set.password, (redis) => redis.info('server'))
    return Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0)
  }
})
