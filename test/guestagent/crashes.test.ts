import { mkdirSync, rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { anAssignment, type Guest, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

async function killServer(guest: Guest): Promise<number> {
  const pid = guest.serverPid()
  process.kill(pid, 'SIGKILL')
  await guest.until(
    'another server process runs, or none will',
    ({ service, serverPid }) => service === 'crashed' || (service === 'running' && serverPid !== pid),
  )
  return pid
}

describe('a redis-server that crashes', () => {
  it('comes back at once with its data, taking writes again', async () => {
    const guest = await yard.source()
    await guest.client().mset('a', '1', 'b', '2')
    await guest.until('everysec has passed', ({ keys }) => keys === 2)
    await guest.root().call('config', 'set', 'appendfsync', 'always')
    await guest.client().set('c', '3')
    await killServer(guest)
    await guest.ready()
    expect(await guest.client().mget('a', 'b', 'c')).toEqual(['1', '2', '3'])
    expect(await guest.client().set('d', '4')).toBe('OK')
  })

  it('is reported when it ends, not at the next beat', async () => {
    const guest = await yard.source()
    const pid = guest.serverPid()
    const before = guest.reports.length
    await killServer(guest)
    await guest.ready()
    const since = guest.reports.slice(before)
    expect(since.some(({ serverPid, service }) => serverPid !== pid && service !== 'running')).toBe(true)
  })

  it('three times within a minute stays down with a fault, until a restart is ordered', async () => {
    const guest = await yard.source()
    await killServer(guest)
    await killServer(guest)
    await killServer(guest)
    const { observation } = await guest.handlers.inspect({})
    expect(observation).toMatchObject({ service: 'crashed', serverPid: null, role: null })
    expect(observation.fault).toMatch(/three times within a minute/)

    const { observation: after } = await guest.handlers.restartServer({ token: tokens(1)('restart') })
    expect(after).toMatchObject({ service: 'running', role: 'source', fenced: false, fault: null })
  })

  it('is started by a command for its role as well', async () => {
    const guest = await yard.source()
    for (let n = 0; n < 3; n++) await killServer(guest)
    const { setId } = guest.seed.spec.assignment
    const assignment = anAssignment({ setId, epoch: 2 })
    const { observation } = await guest.handlers.assume({ token: tokens(2)('lead'), assignment })
    expect(observation).toMatchObject({ service: 'running', fenced: false })
  })
})

describe('a source whose data is gone', () => {
  it('is not started, says why, and starts empty as a replica', async () => {
    const guest = await yard.source()
    const other = await yard.source()
    await other.client().set('of', 'the other')
    await guest.client().set('k', 'v')
    await guest.until('the key was seen', ({ keys }) => keys === 1)
    await guest.closeAgent({ withServer: true })
    rmSync(guest.paths.data, { recursive: true })
    mkdirSync(guest.paths.data)
    await guest.openAgent()
    const seen = await guest.until('it gives up', ({ fault }) => fault !== null)
    expect(seen).toMatchObject({ service: 'stopped', serverPid: null })
    expect(seen.fault).toMatch(/data is gone/)
    const { setId } = guest.seed.spec.assignment
    const lead = guest.handlers.assume({
      token: tokens(2)('lead'),
      assignment: anAssignment({ setId, epoch: 2 }),
    })
    await expect(lead).rejects.toThrow(/data is gone/)

    await guest.handlers.assume({
      token: tokens(3)('follow'),
      assignment: anAssignment({ setId, epoch: 3, role: 'replica', source: other.endpoint }),
    })
    await guest.ready()
    expect(await guest.client().get('of')).toBe('the other')
  })

  it('is not started out of an older dump.rdb either', async () => {
    const guest = await yard.source()
    await guest.client().set('k', 'v')
    await guest.until('the key was seen', ({ keys }) => keys === 1)
    await guest.root().save()
    const pid = guest.serverPid()
    rmSync(`${guest.paths.data}/appendonlydir`, { recursive: true })
    process.kill(pid, 'SIGKILL')
    const seen = await guest.until('it gives up', ({ fault }) => /dump\.rdb/.test(fault ?? ''))
    expect(seen.service).toBe('stopped')
  })
})

describe('a server that hangs', () => {
  it('is said to, and is not taken for healthy', async () => {
    const guest = await yard.source()
    const pid = guest.serverPid()
    process.kill(pid, 'SIGSTOP')
    try {
      const seen = await guest.until(
        'the fault is told',
        ({ fault }) => /has not answered/.test(fault ?? ''),
        20_000,
      )
      expect(seen).toMatchObject({ service: 'unresponsive', serverPid: pid })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect((await guest.ready()).serverPid).toBe(pid)
  })
})
