import { randomUUID } from 'node:crypto'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { anAssignment, CREDENTIALS, guestYard, PASSWORD, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

const stale = { kind: 'stale_epoch' }

describe('a lower token', () => {
  it('is refused by every method that changes anything, also after a restart of the agent', async () => {
    const guest = await yard.source()
    await guest.handlers.tuneSync({ token: tokens(7, 2)('tune'), replicaCount: 0 })
    const refuseAll = async (epoch: number, attempt: number) => {
      const token = tokens(epoch, attempt)('late')
      const assignment = anAssignment({ epoch, role: 'ejected' })
      const { handlers } = guest
      await expect(handlers.assume({ token, assignment })).rejects.toMatchObject(stale)
      await expect(handlers.pauseWrites({ token, pauseMs: 10 })).rejects.toMatchObject(stale)
      await expect(handlers.resumeWrites({ token })).rejects.toMatchObject(stale)
      await expect(handlers.severLink({ token })).rejects.toMatchObject(stale)
      await expect(handlers.tuneSync({ token, replicaCount: 1 })).rejects.toMatchObject(stale)
      await expect(handlers.restartServer({ token })).rejects.toMatchObject(stale)
      await expect(handlers.stopServer({ token })).rejects.toMatchObject(stale)
      const credentials = { ...CREDENTIALS, application: ['another-password'] }
      await expect(handlers.setCredentials({ token, credentials })).rejects.toMatchObject(stale)
      const wait = { token, replicationId: 'x', offset: 0, waitMs: 0 }
      await expect(handlers.waitForOffset(wait)).rejects.toMatchObject(stale)
    }
    await refuseAll(6, 9)
    await refuseAll(7, 1)
    await guest.closeAgent()
    await guest.openAgent()
    await refuseAll(7, 1)
    const seen = await guest.ready()
    expect(seen).toMatchObject({ role: 'source', fenced: false })
    expect(await guest.client(PASSWORD).set('k', 'v')).toBe('OK')
  })

  it('in an answer of the control plane changes nothing', async () => {
    const guest = await yard.source()
    const { setId } = guest.seed.spec.assignment
    const assignment = anAssignment({ setId, epoch: 5 })
    await guest.handlers.assume({ token: tokens(5)('lead'), assignment })
    await guest.closeAgent()
    guest.answer = anAssignment({ setId, epoch: 4, role: 'ejected' })
    await guest.openAgent()
    await guest.until('it asked', () => guest.asked() > 1)
    expect(await guest.ready()).toMatchObject({ role: 'source', fenced: false })
  })
})

describe('an answer of the control plane', () => {
  it('fences a source that was replaced while its agent was away', async () => {
    const guest = await yard.source()
    await guest.closeAgent()
    guest.answer = anAssignment({ epoch: 2, role: 'ejected' })
    await guest.openAgent()
    await guest.until('it is fenced', ({ fenced }) => fenced === true)
    await expect(guest.client().set('k', 'v')).rejects.toThrow(/NOREPLICAS/)
  })
})

describe('what an agent must not forget', () => {
  it('is readable by its owner alone', async () => {
    const guest = await yard.source()
    const { state, conf, agentSecret, log, dir } = guest.paths
    for (const file of [state, conf, agentSecret, log]) expect(statSync(file).mode & 0o077).toBe(0)
    expect(statSync(dir).mode & 0o077).toBe(0)
  })

  it('keeps the agent from starting when it is damaged', async () => {
    const guest = await yard.guest(anAssignment())
    writeFileSync(guest.paths.state, '{"epoch":3,')
    chmodSync(guest.paths.state, 0o600)
    await expect(guest.openAgent()).rejects.toMatchObject({ kind: 'guest_failed' })
  })
})

describe('a replica', () => {
  it('must be told whom to follow', async () => {
    const guest = await yard.source()
    const assignment = anAssignment({ setId: randomUUID(), epoch: 2, role: 'replica', source: null })
    const refused = guest.handlers.assume({ token: tokens(2)('follow'), assignment })
    await expect(refused).rejects.toMatchObject({ kind: 'bad_request' })
    expect(await guest.ready()).toMatchObject({ role: 'source', fenced: false })
  })
})
