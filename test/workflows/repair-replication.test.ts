import { expect } from 'vitest'
import { matrix } from './matrix.js'

matrix('repair_replication', {
  async open(world) {
    const { source, replicas, setId } = await world.set(2)
    const [first = '', second = ''] = replicas
    // Somebody ran REPLICAOF by hand: one replica stands alone, fenced, and the other follows it; the source refuses writes.
    world.guest(first).role = 'source'
    world.guest(first).following = null
    world.guest(second).following = world.guest(first).endpoint
    world.guest(source).writesFenced = true
    return (await world.openOperation('repair_replication', source, setId, { drift: ['seen'] })).id
  },
  clean: (_world, operation) => expect(operation.state).toBe('done'),
})
