/*
 * The replicas' password goes with the application's: whoever had the accounts of a set before has none of them afterwards.
 *
 * prepare: both passwords work everywhere: the new one is added beside the old. Taken back by dropping it again.
 * saved:   both in the set's row.
 * commit:  the old one is dropped everywhere, then in the row. No client that knows either is cut off before that.
 * A replica that cannot be asked gets the accounts when its agent comes back and asks what it is.
 */

import { z } from 'zod'
import type { InstanceId } from '../../../domain/instance/instance.js'
import type { Credentials } from '../../../domain/replication/credentials.js'
import { openCredentials, openPassword, sealCredentials } from '../../../store/sealed-credentials.js'
import type { Workflow, WorkflowContext } from '../../engine/workflow.js'
import { insist, isGuestsFault } from '../../guests/guests.js'
import { withFreshReplication, withoutOldReplication } from './renew-replication.js'

type Context = WorkflowContext<'set_password'>

/** Another application password on the whole set; no client is dropped. */
export const setPassword: Workflow<'set_password', Record<string, never>> = {
  kind: 'set_password',
  plan: z.record(z.string(), z.never()),

  async prepare(context, takeBack) {
    const before = await context.credentials()
    const [current] = before.application
    const fresh = freshPassword(context)
    const both = {
      ...withFreshReplication(before),
      application: [...new Set([fresh, ...(current ? [current] : [])])],
    }
    takeBack('add the new password', (back) => tellAll(before, 'keep the old password', back))
    await context.step('add the new password', () => tellAll(both, 'add the new password', context))
    const { setId } = context.operation
    return {
      plan: {},
      changes: { sets: { [setId]: { sealedCredentials: sealCredentials(context.keyRing, both) } } },
    }
  },

  async commit(_plan, context) {
    const { setId, request } = context.operation
    const set = await context.store.sets.find(setId)
    const known = openCredentials(context.keyRing, set.sealedCredentials)
    const after = { ...withoutOldReplication(known), application: [freshPassword(context)] }
    await context.step('drop the old password', () => tellAll(after, 'drop the old password', context))
    const rootEnabledAtMs = request.disable ? null : (set.rootEnabledAtMs ?? context.clock.now())
    return {
      state: 'done',
      result: {
        summary:
          'The application password is another one on the whole set, and so is the password of its replicas.',
      },
      changes: {
        sets: { [setId]: { sealedCredentials: sealCredentials(context.keyRing, after), rootEnabledAtMs } },
      },
    }
  },

  // Rows and members still know both passwords; nobody is locked out and no instance is at fault.
  giveUp: async (_plan, _context, why) => ({
    state: 'failed',
    fault: `${why.message} The old and the new password both work; set one again.`,
  }),
}

function freshPassword({ keyRing, operation }: Context): string {
  return openPassword(keyRing, operation.request.sealedPassword)
}

/** The instance it was asked for must answer; others are skipped. */
async function tellAll(credentials: Credentials, step: string, context: WorkflowContext): Promise<void> {
  const { instanceId, memberIds } = context.operation
  const tell = async (id: InstanceId) => {
    const token = context.token(step)
    try {
      await insist(
        `Instance ${id}`,
        context,
        (signal) => context.guest(id).setCredentials({ token, credentials }, { signal }),
        id === instanceId ? context.timings.patienceMs : context.timings.lookMs,
      )
    } catch (error) {
      if (id === instanceId || !isGuestsFault(error)) throw error
      context.log.warn({ instanceId: id, reason: error.message }, 'password not changed on a member')
    }
  }
  await Promise.all(memberIds.map(tell))
}
