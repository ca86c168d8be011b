import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn, startWriters, worstGaps } from '../../demo/writers.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { type Stack, startStack } from '../harness/stack.js'

describe('ten promotes in a row under eight writers', () => {
  let stack: Stack
  let set: ReplicaSet

  beforeAll(async () => {
    stack = await startStack()
    set = await replicaSet(stack, 'promote', 2)
  })
  afterAll(() => stack.stop())

  it('lose no acknowledged write and resynchronise every member partially', async () => {
    const fullBefore = await set.fullSyncs()
    const writers = startWriters({
      members: () => set.endpoints,
      password: set.password,
      writers: 8,
      prefix: 'w',
    })
    await waitUntil(
      'writers are writing',
      () => writers.ledger.acks.length,
      (acks) => acks > 500,
      { timeoutMs: 20_000 },
    )

    const gaps: { anyMs: number; oneMs: number; callMs: number }[] = []
    for (let round = 0; round < 10; round++) {
      const source = await set.sourceId()
      const candidate = set.ids.find((id) => id !== source) ?? ''
      const calledAt = performance.now()
      const answer = await stack.client.act(candidate, 'promote_to_replica_source')
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 })
      const operation = await stack.client.ended(answer.operationId)
      expect(operation, JSON.stringify(operation)).toMatchObject({ state: 'done' })
      const firstOnNew = await waitUntil(
        'the new source acknowledges a write',
        () =>
          writers.ledger.acks.find(
            (ack) => ack.atMs > calledAt && ack.member === set.endpointOf(candidate).host,
          ),
        (ack) => ack !== undefined,
        { timeoutMs: 10_000 },
      )
      await set.linksUp(candidate)
      gaps.push({
        ...worstGaps(writers.ledger, calledAt, performance.now()),
        callMs: (firstOnNew?.atMs ?? 0) - calledAt,
      })
    }
    const ledger = await writers.stop()

    const source = await set.sourceId()
    const missing = await missingOn(set.endpointOf(source), set.password, 'w', ledger)
    console.log(
      `10 promotes, ${ledger.acks.length} acknowledged writes, ${missing.length} lost; refusals ${JSON.stringify(ledger.refusals)}`,
    )
    for (const [round, gap] of gaps.entries()) {
      console.log(
        `promote ${round + 1}: call to first write ${gap.callMs.toFixed(0)} ms, no write by anyone ${gap.anyMs.toFixed(0)} ms, worst writer waited ${gap.oneMs.toFixed(0)} ms`,
      )
    }
    expect(missing).toEqual([])
    expect(await set.fullSyncs()).toBe(fullBefore)
    // Reports that are older than the rows must not be taken for drift: a repair would hold the set and refuse the next promote.
    expect((await stack.client.operations()).map(({ kind }) => kind)).not.toContain('repair_replication')
    for (const id of set.ids) expect(await set.heldBy(id, 'w', ledger)).toEqual([])
  })

  it('refuses to promote a source and to eject a replica or a healthy source', async () => {
    const source = await set.sourceId()
    const replica = set.ids.find((id) => id !== source) ?? ''
    expect((await stack.client.act(source, 'promote_to_replica_source')).status).toBe(400)
    expect((await stack.client.act(replica, 'eject_replica_source')).status).toBe(400)
    expect((await stack.client.act(source, 'eject_replica_source')).status).toBe(400)
    expect((await stack.client.send('DELETE', `/instances/${source}`)).status).toBe(403)
  })

  it('lets exactly one of many operations on one set win', async () => {
    const source = await set.sourceId()
    const replicas = set.ids.filter((id) => id !== source)
    // While nobody carries anything out the first one holds the set for all the others, however late they come.
    const taskmanager = stack.partPid('taskmanager')
    process.kill(taskmanager, 'SIGSTOP')
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        stack.client.act(replicas[i % replicas.length] ?? '', 'promote_to_replica_source'),
      ),
    ).finally(() => process.kill(taskmanager, 'SIGCONT'))
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 422)).toHaveLength(7)
    await stack.client.ended(answers.find((answer) => answer.status === 202)?.operationId ?? null)
    for (const id of set.ids) await stack.client.healthy(id)
  })
})
