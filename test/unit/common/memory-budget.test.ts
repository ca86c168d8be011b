import { describe, expect, it } from 'vitest'
import { parseServerVersion } from '../../../domain/datastore/server-version.js'
import { dataBytesOf, FLAVORS } from '../../../domain/instance/flavor.js'
import { memoryBudget } from '../../../domain/instance/memory-budget.js'
import { capabilitiesOf } from '../../../guestagent/redis/capabilities.js'
import { memoryDirectives, memorySettings } from '../../../guestagent/redis/memory-directives.js'

const MB = 1024 * 1024
const canOf = (version: string) => {
  const parsed = parseServerVersion(version)
  if (!parsed) throw new Error(version)
  return capabilitiesOf(parsed)
}

describe.each(FLAVORS)('the memory of $name', ({ id, ramMb }) => {
  const budget = memoryBudget(dataBytesOf(id))

  it('is three quarters for data, and everything that counts as used comes on top', () => {
    expect(budget.dataBytes).toBe(ramMb * 0.75 * MB)
    expect(budget.maxMemoryBytes).toBeGreaterThan(budget.dataBytes + budget.backlogBytes + budget.clientBytes)
  })

  it('leaves a container room for a fork that copied all data while replicas lag', () => {
    expect(budget.guestBytes).toBeGreaterThan(
      budget.maxMemoryBytes + budget.dataBytes + budget.replicaBufferBytes + 58 * MB,
    )
  })

  it('takes no more from replicas before 7.0, which share nothing, than after', () => {
    const limitOf = (version: string) =>
      Number(memoryDirectives(budget.dataBytes, canOf(version)).find(([, kind]) => kind === 'replica')?.[2])
    expect(limitOf('7.0.15')).toBe(budget.replicaBufferBytes)
    expect(5 * limitOf('6.0.16')).toBeLessThanOrEqual(Math.max(80 * MB, budget.replicaBufferBytes + 5))
  })

  it('lets two of the largest values through what clients may have', () => {
    expect(2 * budget.valueBytes).toBeLessThanOrEqual(budget.clientBytes)
    expect(budget.valueBytes).toBeGreaterThanOrEqual(16 * MB)
  })
})

it('a size that is not offered any more has no limit of its data, and bounded buffers', () => {
  expect(memoryBudget(dataBytesOf('gone'))).toMatchObject({ dataBytes: 0, maxMemoryBytes: 0 })
  expect(memoryBudget(0).clientBytes).toBeGreaterThan(0)
})

it('a running server is told by the names that it knows, and of nothing that it does not', () => {
  const namesOf = (version: string) => memorySettings(96 * MB, canOf(version)).map(([name]) => name)
  expect(memorySettings(96 * MB, canOf('4.0.14'))).toContainEqual([
    'client-output-buffer-limit',
    `slave ${16 * MB} 0 0`,
  ])
  // Before 7.0 a replica would leave a source that sends what one of its scripts made.
  for (const name of ['maxmemory-clients', 'proto-max-bulk-len', 'client-query-buffer-limit']) {
    expect(namesOf('6.2.14')).not.toContain(name)
    expect(namesOf('7.0.15')).toContain(name)
  }
})
