/*
 * Every flavor with 0, 1, 2 and 5 replicas: filled to 95 % of what the flavor says, written over once while another replica is added. No
 * write is refused. Sets that need more memory than this machine has are named and not tried.
 */
import { freemem } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { dataBytesOf, FLAVORS, type Flavor } from '../../domain/instance/flavor.js'
import { memoryBudget } from '../../domain/instance/memory-budget.js'
import { fillAndWriteOver } from '../harness/filled-set.js'
import { guestYard } from '../harness/guest.js'

const MB = 1024 * 1024
const SPARE_BYTES = 2048 * MB
const yard = guestYard()
afterEach(yard.removeAll)

const cells = FLAVORS.flatMap((flavor) =>
  [0, 1, 2, 5].map((replicas) => ({ flavor, name: flavor.name, replicas })),
)
const fits = ({ flavor, replicas }: (typeof cells)[number]) =>
  neededBytes(flavor, replicas) < freemem() - SPARE_BYTES
for (const { name, replicas } of cells.filter((cell) => !fits(cell)))
  console.log(`not tried, for want of memory: ${name} with ${replicas} replicas`)

/** All members, the one that joins and two forks' copies among them. */
function neededBytes({ id }: Flavor, replicas: number): number {
  const { maxMemoryBytes, dataBytes } = memoryBudget(dataBytesOf(id))
  return (replicas + 2) * maxMemoryBytes + 2 * dataBytes
}

describe('filled to 95 % and written over while a replica is added', () => {
  it.each(cells.filter(fits))('$name with $replicas replicas', async ({ flavor, replicas }) => {
    const startedMs = performance.now()
    const filled = await fillAndWriteOver(yard, flavor, replicas)
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    const mb = (bytes: number) => Math.round(bytes / MB)
    console.log(
      `${flavor.name} with ${replicas} replicas and one more: ${filled.keys} keys, ${mb(filled.dataBytes)} MB of data, refused ${JSON.stringify(filled.refused)}; at most ${mb(filled.usedBytesMax)} MB used, ${mb(filled.residentBytesMax)} MB resident, faults ${JSON.stringify(filled.faults)}, ${seconds} s`,
    )
    expect(filled.refused).toEqual({})
    expect(filled.faults).toEqual([])
    expect(filled.replicas).toHaveLength(replicas + 1)
  })
})
