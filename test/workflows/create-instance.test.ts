import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { matrix } from './matrix.js'

matrix('create_instance', {
  async open(world) {
    const [id, setId] = [randomUUID(), randomUUID()]
    return (await world.openOperation('create_instance', id, setId, {}, { newIds: [id], newSet: true })).id
  },
  clean(world, operation) {
    expect(operation.state).toBe('done')
    expect(world.guest(operation.instanceId).takesWrites).toBe(true)
  },
  async always(world, operation) {
    const { instance } = await world.store.instances.find(null, operation.instanceId)
    expect(instance.fault === null, 'a fault when it was not made').toBe(operation.state === 'done')
    if (operation.state === 'rolled_back') {
      expect(world.guests.size, 'nothing is left of it').toBe(0)
      expect(instance.endpoint).toBeNull()
    }
  },
})
