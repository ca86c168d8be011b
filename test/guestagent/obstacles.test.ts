import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { anAssignment, freeEndpoint, type Guest, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
const cleanups: (() => void)[] = []
const mounts: string[] = []
afterEach(async () => {
  for (const folder of mounts.splice(0)) execFileSync('umount', ['-l', folder])
  await yard.removeAll()
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

/** A program that answers `--version` as told and is no server. */
function fakeServer(answer: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-fake-'))
  cleanups.push(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'redis-server')
  writeFileSync(file, `#!/bin/sh\necho '${answer}'\nexit 0\n`)
  chmodSync(file, 0o755)
  return file
}

/** Its agent is told to lead, and cannot. */
async function hindered(guest: Guest): Promise<void> {
  await guest.openAgent()
  await expect(guest.beSource()).rejects.toMatchObject({ kind: 'guest_failed' })
}

describe('what keeps a server from starting', () => {
  it('a taken address is told, and the server starts when it is free', async () => {
    const endpoint = await freeEndpoint()
    const squatter = createServer().listen(endpoint)
    const guest = await yard.guest(anAssignment(), { endpoint })
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen).toMatchObject({ service: 'stopped', serverPid: null })
    expect(seen.fault).toContain(`${endpoint.host}:${endpoint.port} is taken by another process`)
    squatter.close()
    await guest.beSource()
    expect((await guest.ready()).fault).toBeNull()
  })

  it('an address that is not of this host', async () => {
    const guest = await yard.guest(anAssignment(), { endpoint: { host: '192.0.2.1', port: 6379 } })
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen.fault).toMatch(/is not an address of this host/)
  })

  it('a missing program', async () => {
    const guest = await yard.guest(anAssignment(), { redisServer: '/nonexistent/redis-server' })
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen.service).toBe('stopped')
    expect(seen.fault).toMatch(/redis-server is not installed/)
  })

  it('a program that is too old, with what was found', async () => {
    const redisServer = fakeServer('Redis server v=2.6.17 sha=00000000:0 malloc=jemalloc-3.2.0 bits=64')
    const guest = await yard.guest(anAssignment(), { redisServer })
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen.fault).toMatch(/2\.6\.17.*2\.8 or later/)
  })

  it('a program that is something else', async () => {
    const guest = await yard.guest(anAssignment(), { redisServer: fakeServer('hello') })
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen.fault).toMatch(/says no version/)
  })

  it('a program that ends at once counts as crashing', async () => {
    const guest = await yard.guest(anAssignment(), { redisServer: fakeServer('Redis server v=7.0.15') })
    await hindered(guest)
    const seen = await guest.until('it gives up', ({ service }) => service === 'crashed')
    expect(seen.fault).toMatch(/three times within a minute/)
  })

  it('a data folder that cannot be written', async () => {
    const guest = await yard.guest(anAssignment())
    writeFileSync(guest.paths.data, 'a file, not a folder')
    await hindered(guest)
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen.fault).toMatch(/data folder .* cannot be written/)
    rmSync(guest.paths.data)
    await guest.beSource()
    await guest.ready()
  })
})

describe('a folder that is removed while its agent runs', () => {
  it('is told, and is not made anew with an empty server in it', async () => {
    const guest = await yard.source()
    expect(await guest.client().set('k', 'v')).toBe('OK')
    const server = guest.serverPid()
    rmSync(guest.paths.dir, { recursive: true })
    process.kill(server, 'SIGKILL')
    const gone = /The folder .* is gone, or its volume is/
    const seen = await guest.until('the fault is told', ({ fault }) => gone.test(fault ?? ''))
    expect(seen.service).toBe('stopped')
    expect(existsSync(guest.paths.dir)).toBe(false)
  })
})

describe('a source whose folder was emptied while nobody was there', () => {
  it('does not lead with nothing, whatever the control plane answers or commands', async () => {
    const guest = await yard.source()
    expect(await guest.client().set('k', 'v')).toBe('OK')
    await guest.closeAgent({ withServer: true })
    rmSync(guest.paths.dir, { recursive: true })
    mkdirSync(guest.paths.dir)
    guest.answer = { ...guest.seed.spec.assignment, epoch: 7 }
    await guest.openAgent()
    const told = /should be the source, but its data directory is empty/
    const seen = await guest.until('the fault is told', ({ fault }) => told.test(fault ?? ''))
    // Whoever follows it would copy nothing.
    expect(seen).toMatchObject({ service: 'stopped', emptied: true })
    const command = { token: tokens(8)('lead'), assignment: { ...guest.answer, epoch: 8 } }
    await expect(guest.handlers.assume(command)).rejects.toThrow(told)
    await expect(guest.handlers.restartServer({ token: tokens(9)('restart') })).rejects.toThrow()
    expect(guest.serverPid()).toBe(0)
  })
})

describe('a full disk', () => {
  it('is told with the space that is left, and forgotten once there is room', async () => {
    const guest = await yard.guest(anAssignment())
    mkdirSync(guest.paths.data, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', guest.paths.data])
    mounts.push(guest.paths.data)
    await guest.openAgent()
    await guest.beSource()
    await guest.ready()
    const client = guest.client()
    const value = 'v'.repeat(100_000)
    let refusal = ''
    for (let n = 0; n < 200 && refusal === ''; n++) {
      refusal = await client.set(`k${n}`, value).then(
        () => '',
        (error: Error) => error.message,
      )
      await guest.handlers.inspect({})
    }
    const seen = await guest.until('the fault is told', ({ fault }) => fault !== null)
    expect(seen).toMatchObject({ service: 'running', persistenceOk: false })
    expect(seen.fault).toMatch(/cannot write its data to disk/)
    expect(refusal).toMatch(/MISCONF/)

    execFileSync('mount', ['-o', 'remount,size=64m', guest.paths.data])
    const after = await guest.until('it writes again', ({ fault }) => fault === null)
    expect(after.persistenceOk).toBe(true)
    expect(await client.set('k', 'v')).toBe('OK')
  })
})

describe('a folder with a long path', () => {
  it('has its socket elsewhere and works all the same', async () => {
    const base = mkdtempSync(join(tmpdir(), 'redtrove-long-'))
    cleanups.push(() => rmSync(base, { recursive: true, force: true }))
    const dir = join(base, 'a'.repeat(60), 'b'.repeat(60))
    const guest = await yard.guest(anAssignment(), { dir })
    expect(guest.paths.socket.startsWith(dir)).toBe(false)
    cleanups.push(() => rmSync(join(guest.paths.socket, '..'), { recursive: true, force: true }))
    await guest.openAgent()
    await guest.beSource()
    await guest.ready()
    expect(await guest.client().set('k', 'v')).toBe('OK')
  })
})
