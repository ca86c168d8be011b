import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

const fullSyncs = async (guest: Awaited<ReturnType<typeof yard.source>>) =>
  (await guest.handlers.inspect({})).observation.syncFull

describe('an ordered restart', () => {
  it('of a source keeps its data and copies no replica anew', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    const client = source.client()
    for (let n = 0; n < 200; n++) await client.set(`k${n}`, 'v'.repeat(100))
    const before = source.serverPid()
    const { observation } = await source.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({
      service: 'running',
      role: 'source',
      fenced: false,
      persistenceOk: true,
    })
    expect(observation.serverPid).not.toBe(before)
    expect(await source.client().set('after', '1')).toBe('OK')
    await replica.until('the new write arrived', ({ keys }) => keys === 201)
    expect(await fullSyncs(source)).toBe(0)
    expect((await source.handlers.inspect({})).observation.syncPartialOk).toBe(1)
    expect(readFileSync(source.paths.conf, 'utf8')).toMatch(/^appendonly yes$/m)
  })

  it('leaves an append-only file that a crash right afterwards loads whole', async () => {
    const source = await yard.source()
    await source.client().set('before', '1')
    await source.handlers.restartServer({ token: tokens(1)('restart') })
    await source.root().call('config', 'set', 'appendfsync', 'always')
    await source.client().set('after', '2')
    const pid = source.serverPid()
    process.kill(pid, 'SIGKILL')
    await source.until(
      'another process runs',
      ({ service, serverPid }) => service === 'running' && serverPid !== pid,
    )
    await source.ready()
    expect(await source.client().mget('before', 'after')).toEqual(['1', '2'])
  })

  it('of a replica goes on where it was, and has its append-only file on again', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    await source.client().set('k', 'v')
    await replica.until('the write arrived', ({ keys }) => keys === 1)
    const { observation } = await replica.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'replica', link: 'up', fenced: true })
    expect(observation.persistenceOk).toBe(true)
    expect(await fullSyncs(source)).toBe(1)
  })
})

describe('a server that was told to stop', () => {
  it('stays stopped over a restart of the agent, until a restart is ordered', async () => {
    const guest = await yard.source()
    await guest.client().set('k', 'v')
    await guest.handlers.stopServer({ token: tokens(1)('stop') })
    await guest.handlers.stopServer({ token: tokens(1)('stop') })
    expect(existsSync(guest.paths.serverPid)).toBe(false)
    await guest.closeAgent()
    await guest.openAgent()
    const { observation } = await guest.handlers.inspect({})
    expect(observation).toMatchObject({ service: 'stopped', serverPid: null, fault: null })

    await guest.handlers.restartServer({ token: tokens(1)('restart') })
    expect(await guest.client().get('k')).toBe('v')
    expect(await guest.client().set('k', 'w')).toBe('OK')
  })
})

describe('a clean stop of agent and server', () => {
  it('leaves a replica that has its append-only file again, also when the control plane answers before anything else', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    await replica.closeAgent({ withServer: true })
    replica.answer = replica.seed.spec.assignment
    replica.beforeAnswer = () =>
      waitUntil(
        'its server answers',
        () => replica.root().ping(),
        (said) => said === 'PONG',
        { timeoutMs: 10_000 },
      )
    await replica.openAgent()
    const seen = await replica.until('it writes to disk again', ({ persistenceOk }) => persistenceOk === true)
    expect(seen).toMatchObject({ role: 'replica', link: 'up' })
    // Only now is it certain, and the next start may rest on it.
    const conf = () => readFileSync(replica.paths.conf, 'utf8')
    await waitUntil('redis.conf has it', conf, (text) => /^appendonly yes$/m.test(text), {
      timeoutMs: 10_000,
    })
  })

  it('keeps data and place in the history for the next start', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    await source.client().set('k', 'v')
    await replica.until('the write arrived', ({ keys }) => keys === 1)
    await replica.closeAgent({ withServer: true })
    expect(existsSync(replica.paths.serverPid)).toBe(false)
    await source.client().set('meanwhile', '1')
    await replica.openAgent()
    await replica.until('it has all', ({ keys, link }) => keys === 2 && link === 'up')
    expect(await fullSyncs(source)).toBe(1)
  })
})
