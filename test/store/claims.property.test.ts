import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isKind } from '../../common/errors.js'
import { openSqlite } from '../harness/database.js'
import { PROJECT, storedSet } from '../harness/stored.js'

type Act = {
  readonly kind: 'open' | 'take' | 'close'
  readonly pick: number
  readonly holds: 'set' | 'subject'
}

/** The rule that makes "busy" impossible to leave behind: an instance points at an open operation that lists it, or at none. */
it('an instance is held by an open operation that lists it, or by none, after any sequence of acts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record<Act>({
          kind: fc.constantFrom('open', 'take', 'close'),
          pick: fc.nat(5),
          holds: fc.constantFrom('set', 'subject'),
        }),
        { maxLength: 14 },
      ),
      async (acts) => {
        const { store, close } = await openSqlite()
        try {
          const ids = await storedSet(store, 2)
          const setId = (await store.instances.find(null, ids[0] ?? '')).instance.setId
          for (const act of acts) {
            const open = await store.operations.listOpen()
            const chosen = open[act.pick % Math.max(1, open.length)]
            if (act.kind === 'open') {
              await store.operations
                .open({
                  kind: act.holds === 'set' ? 'promote_to_replica_source' : 'restart_instance',
                  projectId: PROJECT,
                  instanceId: ids[1 + (act.pick % 2)] ?? '',
                  setId,
                  request: {},
                  requestId: 'r',
                  askedBy: 'a test',
                  deadlineMs: 1,
                })
                .catch((error: unknown) => expect(isKind(error, 'unprocessable')).toBe(true))
            } else if (chosen && act.kind === 'take') {
              await store.operations.takeLease(chosen.id, 'me', chosen)
            } else if (chosen?.leaseOwner) {
              await store.operations.close(
                { operationId: chosen.id, owner: chosen.leaseOwner, attempt: chosen.attempt },
                'failed',
                {},
              )
            }
            const now = new Map(
              (await store.operations.listOpen()).map((operation) => [operation.id, operation]),
            )
            for (const { instance } of await store.instances.findMany(ids)) {
              if (instance.operationId !== null)
                expect(now.get(instance.operationId)?.memberIds).toContain(instance.id)
            }
          }
        } finally {
          await close()
        }
      },
    ),
    { numRuns: 15 },
  )
}, 60_000)
