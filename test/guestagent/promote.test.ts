import { afterEach, describe, expect, it } from 'vitest'
import { startWriters } from '../../demo/writers.js'
import { anAssignment, type Guest, guestYard, PASSWORD, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

const roleAt = (epoch: number, setId: string, source: Guest | null) =>
  anAssignment({
    setId,
    epoch,
    role: source ? 'replica' : 'source',
    source: source ? source.endpoint : null,
  })

describe('a promote, step by step', () => {
  it('loses no acknowledged write and copies nobody anew', async () => {
    const old = await yard.source()
    const { setId } = old.seed.spec.assignment
    const candidate = await yard.replicaOf(old)
    const sibling = await yard.replicaOf(old)
    const members = [old.endpoint, candidate.endpoint]
    const writers = startWriters({ members: () => members, password: PASSWORD, writers: 4, prefix: 'w' })
    await old.until('writes arrive', ({ offset }) => (offset ?? 0) > 50_000)

    const token = tokens(2)
    const paused = await old.handlers.pauseWrites({ token: token('pause'), pauseMs: 2_000 })
    const arrived = await candidate.handlers.waitForOffset({ token: token('wait'), ...paused, waitMs: 1_000 })
    expect(arrived.reached).toBe(true)
    const demoted = await old.handlers.assume({
      token: token('follow'),
      assignment: roleAt(2, setId, candidate),
    })
    expect(demoted.writesFrozen).toBe(true)
    expect(demoted.observation.role).toBe('replica')
    await candidate.handlers.assume({ token: token('lead'), assignment: roleAt(2, setId, null) })
    await sibling.handlers.assume({ token: token('follow'), assignment: roleAt(2, setId, candidate) })
    await Promise.all([old.ready(), sibling.ready()])
    const atSwitch = writers.ledger.acks.length
    await candidate.until('writes go on', () => writers.ledger.acks.length > atSwitch + 1_000)
    const { acks } = await writers.stop()

    const kept = new Set(
      (await Promise.all([0, 1, 2, 3].map((n) => candidate.client().smembers(`w:${n}`)))).flat(),
    )
    expect(acks.filter(({ id }) => !kept.has(id))).toEqual([])
    const { observation } = await candidate.handlers.inspect({})
    expect(observation).toMatchObject({ syncFull: 0, syncPartialErr: 0 })
    expect(observation.connectedReplicas).toHaveLength(2)
  })

  it('says that writes were not frozen when the pause ran out first', async () => {
    const old = await yard.source()
    const { setId } = old.seed.spec.assignment
    const candidate = await yard.replicaOf(old)
    const token = tokens(2)
    await old.handlers.pauseWrites({ token: token('pause'), pauseMs: 1 })
    expect(await old.client().set('late', '1')).toBe('OK')
    const { writesFrozen } = await old.handlers.assume({
      token: token('follow'),
      assignment: roleAt(2, setId, candidate),
    })
    expect(writesFrozen).toBe(false)
  })

  it('answers a repeated demotion as it did the first time, also after a restart of the agent', async () => {
    const old = await yard.source()
    const candidate = await yard.replicaOf(old)
    const token = tokens(2)
    const follow = {
      token: token('follow'),
      assignment: roleAt(2, old.seed.spec.assignment.setId, candidate),
    }
    await old.handlers.pauseWrites({ token: token('pause'), pauseMs: 2_000 })
    expect((await old.handlers.assume(follow)).writesFrozen).toBe(true)
    expect((await old.handlers.assume(follow)).writesFrozen).toBe(true)
    await old.closeAgent()
    await old.openAgent()
    const again = { ...follow, token: { ...follow.token, attempt: 2 } }
    expect((await old.handlers.assume(again)).writesFrozen).toBe(true)
  })
})

describe('a pause of writes', () => {
  it('holds writes back and lets them go on, once it is resumed, with none lost', async () => {
    const source = await yard.source()
    const client = source.client()
    const token = tokens(2)
    const { offset } = await source.handlers.pauseWrites({ token: token('pause'), pauseMs: 5_000 })
    const write = client.set('k', 'v')
    expect(await source.client().get('k')).toBeNull()
    const again = await source.handlers.pauseWrites({ token: token('pause'), pauseMs: 5_000 })
    expect(again.offset).toBe(offset)
    await source.handlers.resumeWrites({ token: token('resume') })
    expect(await write).toBe('OK')
    expect(await source.handlers.resumeWrites({ token: token('resume') })).toEqual({})
    const period = await source.root().config('GET', 'repl-ping-replica-period')
    expect(period).toEqual(['repl-ping-replica-period', '1'])
  })

  it('is refused by a replica', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    const refused = replica.handlers.pauseWrites({ token: tokens(2)('pause'), pauseMs: 100 })
    await expect(refused).rejects.toMatchObject({ kind: 'guest_failed' })
  })
})

describe('a cut link', () => {
  it('stays cut while the source lives, keeps the offset, and is whole again with the next command', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    const client = source.client()
    const token = tokens(2)
    const { observation } = await replica.handlers.severLink({ token: token('cut') })
    expect(observation.link).not.toBe('up')
    const cutAt = observation.offset
    await client.set('after', 'the cut')
    const root = replica.root()
    await replica.until('time has passed', ({ linkDownMs }) => (linkDownMs ?? 0) > 1_500)
    expect((await replica.handlers.inspect({})).observation.offset).toBe(cutAt)
    expect(await root.get('after')).toBeNull()

    const { setId } = source.seed.spec.assignment
    await replica.handlers.assume({ token: token('follow'), assignment: roleAt(2, setId, source) })
    await replica.ready()
    expect(await root.get('after')).toBe('the cut')
    expect((await source.handlers.inspect({})).observation).toMatchObject({ syncFull: 1, syncPartialOk: 1 })
  })
})
