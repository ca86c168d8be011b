import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { anAssignment, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

describe('a source', () => {
  it('starts and takes writes when it is told that it leads, and not before', async () => {
    const guest = await yard.guest(anAssignment())
    await guest.openAgent()
    await waitUntil('it has asked', guest.asked, (times) => times > 1, { timeoutMs: 15_000 })
    const { observation: born } = await guest.handlers.inspect({})
    expect(born).toMatchObject({ service: 'stopped', emptied: false, fault: null })
    await guest.beSource()
    const seen = await guest.ready()

    expect(seen).toMatchObject({
      role: 'source',
      fenced: false,
      link: null,
      persistenceOk: true,
      fault: null,
    })
    expect(await guest.client().set('k', 'v')).toBe('OK')
  })

  it('keeps the fence on disk while it takes writes', async () => {
    const guest = await yard.source()
    const root = guest.root()
    expect(await root.config('GET', 'min-replicas-to-write')).toEqual(['min-replicas-to-write', '0'])
    const conf = readFileSync(guest.paths.conf, 'utf8')
    expect(conf).toMatch(/^min-replicas-to-write 1000000$/m)
    expect(conf).toMatch(/^appendonly yes$/m)
    expect(conf).not.toMatch(/^save ""$/m)
  })
})

describe('a replica', () => {
  it('follows, takes no write, and is no second source when somebody detaches it by hand', async () => {
    const source = await yard.source()
    await source.client().set('k', 'v')
    const replica = await yard.replicaOf(source)
    const client = replica.client()

    expect(await client.get('k')).toBe('v')
    await expect(client.set('k', 'w')).rejects.toThrow(/READONLY/)
    await replica.root().call('replicaof', 'no', 'one')
    await expect(client.set('k', 'w')).rejects.toThrow(/NOREPLICAS/)
  })

  it('is asked for its link only when its log has changed, which a lost link does', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    const rolesAsked = async () =>
      Number(/cmdstat_role:calls=(\d+)/.exec(await replica.root().info('commandstats'))?.[1] ?? 0)
    const heartbeats = async (count: number) => {
      const before = replica.reports.length
      await waitUntil(
        'it has reported',
        () => replica.reports.length - before,
        (more) => more >= count,
        { timeoutMs: 10_000, pollMs: 10 },
      )
    }
    // Its log is quiet now: what it wrote at its start was asked about by the first of these.
    await heartbeats(2)
    const before = await rolesAsked()
    await heartbeats(5)
    expect(await rolesAsked()).toBe(before)
    await source.closeAgent({ withServer: true })
    await replica.until('its link is down', ({ link }) => link !== 'up')
    await heartbeats(1)
    expect(await rolesAsked()).toBeGreaterThan(before)
  })

  it('is noticed by its source, which from then on asks before it lifts a fence', async () => {
    const source = await yard.source()
    await yard.replicaOf(source)
    await source.until('the replica is seen', ({ connectedReplicas }) => connectedReplicas.length === 1)
    process.kill(source.serverPid(), 'SIGKILL')
    const waiting = await source.until(
      'the source waits for the control plane',
      ({ service, fault }) => service === 'running' && /confirms/.test(fault ?? ''),
    )
    expect(waiting).toMatchObject({ role: 'source', fenced: true })

    source.answer = anAssignment({ setId: source.seed.spec.assignment.setId, epoch: 1 })
    await source.ready()
    expect(await source.client().set('k', 'v')).toBe('OK')
  })
})

describe('an ejected member', () => {
  it('takes no write, also after a restart of its server and of its agent', async () => {
    const guest = await yard.source()
    const client = guest.client()
    await client.set('k', 'v')
    const token = tokens(2)
    const assignment = anAssignment({ epoch: 2, role: 'ejected' })
    const { observation } = await guest.handlers.assume({ token: token('eject'), assignment })
    expect(observation).toMatchObject({ role: 'source', fenced: true, following: null })
    await expect(client.set('k', 'w')).rejects.toThrow(/NOREPLICAS/)

    const before = guest.serverPid()
    process.kill(before, 'SIGKILL')
    await guest.until(
      'it is up again',
      ({ service, serverPid }) => service === 'running' && serverPid !== before,
    )
    await guest.closeAgent()
    await guest.openAgent()
    await guest.until('it was looked at', ({ service, fenced }) => service === 'running' && fenced === true)
    const later = guest.client()
    expect(await later.get('k')).toBe('v')
    await expect(later.set('k', 'w')).rejects.toThrow(/NOREPLICAS/)
    await expect(later.eval("return redis.call('set','k','w')", 0)).rejects.toThrow(/NOREPLICAS/)
  })
})
