import { expect } from 'vitest'
import { matrix } from './matrix.js'
import { credentialsOf, expectOneReplicationPassword } from './replication-password.js'
import { CREDENTIALS } from './world.js'

matrix('detach_replica', {
  async open(world) {
    const { replicas, setId } = await world.set(2)
    const [leaving = ''] = replicas
    return (await world.openOperation('detach_replica', leaving, setId, {})).id
  },
  async clean(world, operation) {
    expect(operation.state).toBe('done')
    const { instance } = await world.store.instances.find(null, operation.instanceId)
    expect(instance).toMatchObject({ role: 'source', fault: null })
    expect(instance.setId).not.toBe(operation.setId)
    expect(world.guest(instance.id).takesWrites).toBe(true)
    expect((await world.store.sets.find(instance.setId)).epoch).toBe(operation.epoch + 1)
    const stayed = [...world.guests.keys()].filter((id) => id !== instance.id)
    const [own, theirs] = [
      await credentialsOf(world, instance.setId),
      await credentialsOf(world, operation.setId),
    ]
    expectOneReplicationPassword(world, theirs, stayed)
    expectOneReplicationPassword(world, own, [instance.id])
    expect(new Set([own.replication, theirs.replication, CREDENTIALS.replication]).size).toBe(3)
    expect([own.application, theirs.application]).toEqual([CREDENTIALS.application, CREDENTIALS.application])
  },
  async always(world, operation) {
    const { instance } = await world.store.instances.find(null, operation.instanceId)
    expect(instance.setId === operation.setId, 'out when done, in else').toBe(operation.state !== 'done')
    expect((await world.store.sets.topologyOf(operation.setId)).replicas.length).toBeGreaterThan(0)
  },
})
