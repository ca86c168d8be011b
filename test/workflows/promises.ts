import { expect } from 'vitest'
import { driftOf } from '../../domain/replication/drift.js'
import type { InstanceFacts } from '../../store/store.js'
import type { World } from './world.js'

/** All promises of the service, of everything at rest. */
export async function checkPromises(world: World): Promise<void> {
  await world.clock.drive(world.clock.sleep(30_000))
  await world.askAll()
  world.copyAll()
  world.everybodyWrites()
  expect(world.violations).toEqual([])
  const all = await world.facts()
  for (const { instance, operation, sourceId } of all) {
    expect(operation, 'nothing is claimed').toBeNull()
    const source = all.find((one) => one.instance.id === sourceId)?.instance
    const guest = world.guests.get(instance.id)
    if (!instance.fault && guest?.answers) {
      const drift = driftOf({ ...instance, source: source?.endpoint ?? null }, guest.observe())
      expect(drift, 'rows and machines agree').toEqual([])
    }
    if (instance.role === 'source' && !instance.fault)
      expect(guest?.process, 'a source without a fault was not left fenced').not.toBe('fenced')
    if (instance.role === 'source' && !instance.fault && guest?.serves)
      expect(guest.takesWrites, 'a source without a fault takes writes').toBe(true)
  }
  for (const setId of new Set(all.map(({ instance }) => instance.setId)))
    checkWrites(
      world,
      setId,
      all.filter(({ instance }) => instance.setId === setId),
    )
  await checkSentences(world, all)
  const known = new Set(all.map(({ instance }) => instance.id))
  for (const id of world.guests.keys()) expect(known.has(id), 'no guest without a row').toBe(true)
}

/** What people read names an instance by its name, with the id in brackets. */
async function checkSentences(world: World, all: readonly InstanceFacts[]): Promise<void> {
  const operations = await world.store.operations.list('demo', { limit: 1000 })
  const said = [
    ...operations.flatMap(({ fault, result }) => [fault ?? '', result?.summary ?? '']),
    ...all.map(({ instance }) => instance.fault?.message ?? ''),
  ]
  for (const { instance } of all) {
    const bare = said.filter((sentence) => sentence.replaceAll(`(${instance.id})`, '').includes(instance.id))
    expect(bare, `${instance.name} is named by its bare id`).toEqual([])
  }
}

function checkWrites(world: World, setId: string, members: readonly InstanceFacts[]): void {
  const sources = members.filter(({ instance }) => instance.role === 'source')
  expect(sources.length, 'a set has one source').toBeLessThanOrEqual(1)
  const guest = world.guests.get(sources[0]?.instance.id ?? '')
  if (!guest) return
  const lost = (world.acknowledged.get(setId) ?? []).filter((id) => !guest.data.includes(id))
  expect(lost, 'acknowledged writes that the source does not have').toEqual([])
}
