import { expect, test } from 'vitest'
import { openCredentials, sealPassword } from '../../store/sealed-credentials.js'
import { matrix } from './matrix.js'
import { credentialsOf, expectOneReplicationPassword } from './replication-password.js'
import { taskmanager } from './taskmanager.js'
import { CREDENTIALS, KEYS, World } from './world.js'

async function openChange(world: World) {
  const { source, replicas, setId } = await world.set(2)
  const request = { sealedPassword: sealPassword(KEYS, 'second-password'), disable: false }
  return { ...(await world.openOperation('set_password', source, setId, request)), replicas }
}

async function rowOf(world: World, setId: string) {
  const set = await world.store.sets.find(setId)
  return {
    application: openCredentials(KEYS, set.sealedCredentials).application,
    enabled: set.rootEnabledAtMs,
  }
}

matrix('set_password', {
  open: async (world) => (await openChange(world)).id,
  async clean(world, operation) {
    expect(operation.state).toBe('done')
    const row = await rowOf(world, operation.setId)
    expect(row.application).toEqual(['second-password'])
    expect(row.enabled).not.toBeNull()
    expect(JSON.stringify(operation)).not.toContain('second-password')
  },
  async always(world, operation) {
    const { application } = await rowOf(world, operation.setId)
    expect(application).toEqual(operation.state === 'done' ? ['second-password'] : ['first-password'])
    for (const guest of world.guests.values())
      expect(guest.credentials.application, 'every member knows what the row says').toEqual(application)
    expectOneReplicationPassword(world, await credentialsOf(world, operation.setId))
    if (operation.state === 'done')
      expect((await credentialsOf(world, operation.setId)).replication).not.toBe(CREDENTIALS.replication)
  },
})

test('a replica that does not answer does not hold it up', async () => {
  const world = await World.open()
  const { id, setId, replicas } = await openChange(world)
  world.guest(replicas[0] ?? '').hostGone = true
  await world.clock.drive(taskmanager(world, 'one').run(id))
  expect((await world.store.operations.find(null, id)).state).toBe('done')
  expect((await rowOf(world, setId)).application).toEqual(['second-password'])
  await world.close()
})
