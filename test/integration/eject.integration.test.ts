import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn, startWriters } from '../../demo/writers.js'
import { type ReplicaSet, replicaSet, withRedis } from '../harness/replica-set.js'
import { type Stack, startStack } from '../harness/stack.js'

const WRITES_AND_NEVER_ENDS = "redis.call('set', 'half', '1') while true do end"

describe('a source whose host is frozen', () => {
  let stack: Stack
  let set: ReplicaSet
  let frozen: string
  let pids: readonly number[]

  beforeAll(async () => {
    stack = await startStack()
    set = await replicaSet(stack, 'eject', 2)
    frozen = await set.sourceId()
  })
  afterAll(() => stack.stop())

  it('is ejected soon after, and every acknowledged write that a replica had is there', async () => {
    expect((await stack.client.act(frozen, 'eject_replica_source')).status).toBe(400)
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

    pids = stack.guestPids(frozen)
    const frozenAt = performance.now()
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const heldThen = writers.ledger.acks.filter((ack) => ack.atMs < frozenAt - 50)

    const accepted = await waitUntil(
      'eject is accepted',
      async () => ({
        answer: await stack.client.act(frozen, 'eject_replica_source'),
        atMs: performance.now(),
      }),
      ({ answer }) => answer.status === 202,
      { timeoutMs: 20_000, pollMs: 50 },
    )
    const firstWrite = await waitUntil(
      'a member takes writes again',
      () => writers.ledger.acks.find((ack) => ack.atMs > accepted.atMs),
      (ack) => ack !== undefined,
      { timeoutMs: 20_000, pollMs: 5 },
    )
    const operation = await stack.client.ended(accepted.answer.operationId)
    expect(operation, JSON.stringify(operation)).toMatchObject({ state: 'done' })
    const ledger = await writers.stop()

    const source = await waitUntil(
      'a new source is shown',
      () => set.sourceId(),
      (id) => id !== frozen,
      { timeoutMs: 10_000 },
    )
    const missing = new Set(await missingOn(set.endpointOf(source), set.password, 'w', ledger))
    const lostThatWasHeld = heldThen.filter((ack) => missing.has(ack.id))
    console.log(
      `frozen to accepted ${(accepted.atMs - frozenAt).toFixed(0)} ms, accepted to first write ${((firstWrite?.atMs ?? 0) - accepted.atMs).toFixed(0)} ms, ` +
        `${ledger.acks.length} acknowledged writes, ${missing.size} lost in all, ${lostThatWasHeld.length} of those older than 50 ms at the freeze; ` +
        `result ${JSON.stringify(operation.result)}`,
    )
    expect(lostThatWasHeld).toEqual([])
    for (const id of set.ids.filter((id) => id !== frozen)) await stack.client.healthy(id)
  })

  it('never takes a write again: woken, and restarted through the API', async () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGCONT')
      } catch {
        // fenced: the process is gone, which is the point
      }
    }
    expect(await set.tryWrite(frozen)).not.toBe('OK')
    const shown = await stack.client.show(frozen)
    expect(shown.replicas).toBeUndefined()
    expect(shown.replica_of).toBeUndefined()

    const answer = await stack.client.act(frozen, 'restart')
    expect(answer.status).toBe(202)
    expect((await stack.client.ended(answer.operationId)).state).toBe('done')
    const refusal = await waitUntil(
      'the old source answers again',
      () => set.tryWrite(frozen),
      (said) => /^(OK|.*(NOREPLICAS|READONLY))/.test(said),
      {
        timeoutMs: 20_000,
      },
    )
    expect(refusal).toMatch(/NOREPLICAS|READONLY/)
    const source = await set.sourceId()
    expect(await set.tryWrite(source)).toBe('OK')
  })

  it('can be deleted afterwards', async () => {
    expect((await stack.client.send('DELETE', `/instances/${frozen}`)).status).toBe(202)
    await stack.client.gone(frozen)
  })

  it('a source that a client keeps busy with an endless script can be restarted, and ejected without force', async () => {
    const source = await set.sourceId()
    const redis = <T>(id: string, ask: Parameters<typeof withRedis<T>>[2]) =>
      withRedis(set.endpointOf(id), set.password, ask)
    await redis(source, (client) => client.set('kept', 'v'))
    const keepBusy = async () => {
      void redis(source, (client) => client.eval(WRITES_AND_NEVER_ENDS, 0)).catch(() => undefined)
      const status = async () => (await stack.client.show(source)).operating_status
      await waitUntil('its status says so', status, (said) => said === 'ERROR', { timeoutMs: 20_000 })
    }

    await keepBusy()
    const restart = await stack.client.act(source, 'restart')
    expect(restart.status, JSON.stringify(restart.body)).toBe(202)
    expect(await stack.client.ended(restart.operationId)).toMatchObject({ state: 'done' })
    expect(await redis(source, (client) => client.mget('kept', 'half'))).toEqual(['v', null])
    await set.linksUp(
      source,
      set.ids.filter((id) => id !== frozen),
    )

    await keepBusy()
    const eject = await stack.client.eject(source)
    expect(eject.status, JSON.stringify(eject.body)).toBe(202)
    expect(await stack.client.ended(eject.operationId)).toMatchObject({ state: 'done' })
    // Alone in its set by now, and shown without replicas.
    const leader = set.ids.find((id) => id !== frozen && id !== source) ?? ''
    expect((await stack.client.show(leader)).replication?.role).toBe('source')
    expect(await redis(leader, (client) => client.mget('kept', 'half'))).toEqual(['v', null])
    const repairs = (await stack.client.operations()).filter(({ kind }) => kind === 'repair_replication')
    console.log(`an endless script twice: one restart, one eject, ${repairs.length} repairs`)
    expect(repairs).toEqual([])
  })
})
