/*
 * prepare: the replica answers and has data to serve.
 * saved:   the plan, and rows that put it into a set of its own, one epoch up, with the same accounts.
 * commit:  tell it that it is the source of that set: its conf first, then it stops following, then its fence is lifted. Before
 *          that it is a replica that takes no writes, whatever the rows say, so a death in between costs nothing.
 * Those that stay get another password for their links, and so does the one that leaves: neither opens the other any more.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { RedtroveError } from '../../../common/errors.js'
import { generatePassword } from '../../../common/secrets/password.js'
import { detached } from '../../../domain/replication/topology.js'
import { openCredentials, sealCredentials } from '../../../store/sealed-credentials.js'
import type { Workflow } from '../../engine/workflow.js'
import { assign } from '../../guests/guests.js'
import { renewReplication, withoutOldReplication } from '../accounts/renew-replication.js'
import { untilServing } from '../instance/bring-up.js'
import { faultsOn, membersOf } from './set-members.js'

const planSchema = z.object({ ownSetId: z.uuid() })

/** A replica becomes an instance of its own. */
export const detachReplica: Workflow<'detach_replica', z.output<typeof planSchema>> = {
  kind: 'detach_replica',
  plan: planSchema,

  async prepare(context) {
    const { instanceId, setId, epoch, projectId } = context.operation
    const set = await membersOf(context)
    detached(
      { source: set.source?.instance.id ?? null, replicas: set.replicas.map(({ instance }) => instance.id) },
      instanceId,
    )
    const seen = await context.step('check that the replica serves', () =>
      untilServing(instanceId, context, context.timings.patienceMs),
    )
    if (seen.link === 'syncing')
      throw new RedtroveError(
        'unprocessable',
        `Instance ${instanceId} is still copying its source; detach it afterwards.`,
      )
    const ownSetId = randomUUID()
    const { rootEnabledAtMs } = await context.store.sets.find(setId)
    const ownCredentials = {
      ...withoutOldReplication(await context.credentials()),
      replication: generatePassword(),
    }
    const sealedCredentials = sealCredentials(context.keyRing, ownCredentials)
    return {
      plan: { ownSetId },
      changes: {
        newSets: [{ id: ownSetId, projectId, sealedCredentials, rootEnabledAtMs, epoch: epoch + 1 }],
        instances: { [instanceId]: { setId: ownSetId, role: 'source' } },
      },
    }
  },

  async commit({ ownSetId }, context) {
    const { instanceId, epoch } = context.operation
    await context.step('detach it', async () => {
      const own = await context.store.sets.find(ownSetId)
      const credentials = openCredentials(context.keyRing, own.sealedCredentials)
      const assignment = {
        setId: ownSetId,
        epoch: epoch + 1,
        role: 'source' as const,
        source: null,
        credentials,
      }
      const token = context.token('detach', epoch + 1)
      await assign(instanceId, { token, assignment }, context)
    })
    const { source, replicas } = await membersOf(context)
    const others = replicas.map(({ instance }) => instance.id)
    const renewed = source ? await renewReplication(source.instance.id, others, context) : null
    const note = renewed?.note ?? ''
    return {
      state: 'done',
      result: { summary: `The instance stands alone and takes writes.${note}`, setId: ownSetId },
      ...(renewed ? { changes: renewed.changes } : {}),
    }
  },

  giveUp: async (_plan, context, why) => ({
    state: 'failed',
    fault: why.message,
    changes: {
      instances: faultsOn(
        [context.operation.instanceId],
        `It was detached but did not confirm it: ${why.message} Restart it.`,
        context,
      ),
    },
  }),
}
