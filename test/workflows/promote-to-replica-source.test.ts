import { expect } from 'vitest'
import { matrix } from './matrix.js'

matrix('promote_to_replica_source', {
  async open(world) {
    const { source, replicas, setId } = await world.set(2)
    const [candidate = ''] = replicas
    const members = [source, ...replicas]
    return (await world.openOperation('promote_to_replica_source', candidate, setId, {}, { members })).id
  },
  async clean(world, operation) {
    expect(operation).toMatchObject({ state: 'done', fault: null })
    expect((await world.store.sets.topologyOf(operation.setId)).source).toBe(operation.instanceId)
    for (const guest of world.guests.values())
      expect(guest.syncFull, 'only partial resynchronisation').toBe(0)
  },
  async always(world, operation) {
    const { source } = await world.store.sets.topologyOf(operation.setId)
    expect(source === operation.instanceId, 'forward when done, back else').toBe(operation.state === 'done')
    for (const { instance } of await world.facts()) expect(instance.fault, 'nobody is at fault').toBeNull()
  },
})
