import { expect, test } from 'vitest'
import { sealPassword } from '../../store/sealed-credentials.js'
import { taskmanager } from './taskmanager.js'
import { KEYS, World } from './world.js'

/** Whether a password was set by request goes with the password: to whoever leaves the set with it, until it is disabled there. */
test('a password set by request is remembered on a member that leaves, and forgotten when it is disabled', async () => {
  const world = await World.open()
  const { source, replicas, setId } = await world.set(2)
  const [leaving = ''] = replicas
  const enabledOn = async (id: string) => {
    const { instance } = await world.store.instances.find(null, id)
    return (await world.store.sets.find(instance.setId)).rootEnabledAtMs !== null
  }
  const run = async (...[kind, subject, request]: Parameters<typeof open>) => {
    const { id } = await open(kind, subject, request)
    await world.clock.drive(taskmanager(world, kind).run(id))
    expect((await world.store.operations.find(null, id)).state, kind).toBe('done')
  }
  const open = async (
    kind: 'set_password' | 'detach_replica' | 'eject_replica_source',
    subject: string,
    request: object,
  ) => {
    const { instance } = await world.store.instances.find(null, subject)
    return world.openOperation(kind, subject, instance.setId, request as never)
  }
  const password = (text: string, disable: boolean) => ({
    sealedPassword: sealPassword(KEYS, text),
    disable,
  })
  const all = [source, ...replicas]

  expect(await Promise.all(all.map(enabledOn))).toEqual([false, false, false])
  await run('set_password', source, password('second-password', false))
  expect(await Promise.all(all.map(enabledOn))).toEqual([true, true, true])

  await run('detach_replica', leaving, {})
  expect(await enabledOn(leaving), 'its password was set by request before it left').toBe(true)

  await run('set_password', leaving, password('third-password', true))
  expect(await enabledOn(leaving), 'nobody was told the new one').toBe(false)
  expect(await enabledOn(source), 'nothing was disabled here').toBe(true)

  world.guest(source).hostGone = true
  await run('eject_replica_source', source, { force: true })
  expect((await world.store.instances.find(null, source)).instance.setId).not.toBe(setId)
  expect(await enabledOn(source), 'an ejected source keeps its history').toBe(true)
  await world.close()
})
