/* What a flavor says an instance holds, on the smallest one; the whole table is in test/long. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { FLAVORS } from '../../domain/instance/flavor.js'
import { memoryBudget } from '../../domain/instance/memory-budget.js'
import { writeBulk } from '../harness/bulk-writer.js'
import { fillAndWriteOver } from '../harness/filled-set.js'
import { guestYard, PASSWORD } from '../harness/guest.js'

const MB = 1024 * 1024
const yard = guestYard()
afterEach(yard.removeAll)

const [tiny] = FLAVORS
if (!tiny) throw new Error('there is no flavor')

it('a source with a replica, filled and written over while another one is added, refuses no write', async () => {
  const filled = await fillAndWriteOver(yard, tiny, 1)
  console.log(
    `${tiny.name}: ${filled.keys} keys of 1,000 bytes (${Math.round(filled.dataBytes / MB)} MB of data) written twice, refused ${JSON.stringify(filled.refused)}, at most ${Math.round(filled.usedBytesMax / MB)} MB used and ${Math.round(filled.residentBytesMax / MB)} MB resident`,
  )
  expect(filled.refused).toEqual({})
  expect(filled.faults).toEqual([])
  expect(filled.replicas).toHaveLength(2)
})

it('a full instance says so at once, and no more when there is room', async () => {
  const source = await yard.source({}, { maxMemoryBytes: 8 * MB })
  const bulk = { valueBytes: 100_000, letter: 'x' }
  const { accepted, refused } = await writeBulk(source.endpoint, PASSWORD, { ...bulk, from: 0, to: 500 })
  console.log(`${accepted} writes of 100,000 bytes taken, refused ${JSON.stringify(refused)}`)
  expect(refused.OOM).toBeGreaterThan(0)
  expect(accepted * bulk.valueBytes).toBeGreaterThan(8 * MB)
  const reported = await source.until('it is said', ({ fault }) => /out of memory/.test(fault ?? ''), 2_000)
  expect(reported).toMatchObject({ service: 'running', fault: expect.stringContaining('8 MB to data') })
  await source.until('it is reported', () =>
    source.reports.some(({ fault }) => /out of memory/.test(fault ?? '')),
  )
  await source.client().flushall()
  await source.until('nothing is said any more', ({ fault }) => fault === null)
})

describe('memory that one client takes', () => {
  it('in answers that it does not read is bounded for all clients together', async () => {
    const source = await yard.source({}, { maxMemoryBytes: 8 * MB })
    const { clientBytes } = memoryBudget(8 * MB)
    expect(await source.client().set('large', 'x'.repeat(MB))).toBe('OK')
    const gluttons = Array.from({ length: 4 }, () =>
      connect(source.endpoint)
        .on('error', () => undefined)
        .pause(),
    )
    for (const glutton of gluttons) glutton.write(`AUTH ${PASSWORD}\r\n${'GET large\r\n'.repeat(125)}`)
    const usedBytes = await waitUntil(
      'the server has sent clients away',
      () => source.root().info(),
      (info) =>
        /evicted_clients:[1-9]/.test(info) || /client_output_buffer_limit_disconnections:[1-9]/.test(info),
      { timeoutMs: 20_000, describe: (info) => /used_memory:\d+/.exec(info)?.[0] ?? 'no INFO' },
    ).then((info) => Number(/used_memory_peak:(\d+)/.exec(info)?.[1]))
    for (const glutton of gluttons) glutton.destroy()
    console.log(`500 answers of 1 MB that nobody reads: at most ${Math.round(usedBytes / MB)} MB used`)
    expect(usedBytes).toBeLessThan(3 * clientBytes)
    expect(await source.client().set('k', 'v')).toBe('OK')
  })

  it('in a script is bounded where the system can do it: the script fails, the server goes on', async () => {
    const source = await yard.source({}, { maxMemoryBytes: 8 * MB })
    const { processBytes } = memoryBudget(8 * MB)
    const { serverPid } = await source.ready()
    const script = `local t = {} for i = 1, 100 do t[i] = i .. string.rep('x', ${8 * MB}) end return #t`
    await expect(source.client().eval(script, 0)).rejects.toThrow(/not enough memory/)
    const status = readFileSync(`/proc/${serverPid}/status`, 'utf8')
    const residentBytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024
    console.log(`a script of 800 MB: at most ${Math.round(residentBytes / MB)} MB resident`)
    expect(residentBytes).toBeLessThan(processBytes)
    expect(await source.client().set('k', 'v')).toBe('OK')
  })
})

it('a running server of an older agent gets the bounds of this one, without a restart', async () => {
  const source = await yard.source({}, { maxMemoryBytes: 96 * MB })
  const root = source.root()
  await source.closeAgent()
  for (const [name, value] of [
    ['maxmemory', String(96 * MB)],
    ['repl-backlog-size', String(64 * MB)],
    ['client-output-buffer-limit', 'normal 0 0 0'],
  ] as const)
    await root.config('SET', name, value)
  const pid = source.serverPid()
  await source.openAgent()
  // Such a server serves all the time, so that its agent may say so before it has set anything.
  const said = await waitUntil(
    'the bounds are set',
    () => root.config('GET', 'maxmemory', 'repl-backlog-size', 'client-output-buffer-limit'),
    (bounds) => String(bounds).includes(`maxmemory,${152 * MB}`),
    { timeoutMs: 5_000, pollMs: 10 },
  )
  expect(String(said)).toContain(`repl-backlog-size,${16 * MB}`)
  expect(String(said)).toContain(`normal ${32 * MB} 0 0`)
  expect(source.serverPid()).toBe(pid)
})
