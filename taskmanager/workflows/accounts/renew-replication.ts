/*
 * After a member has left, those that stay get another password for their links: what lies in the folder of the one that left opens nothing of
 * them any more. The leader first takes both, then the row has both, then all log in with the new one, then the leader drops the old one and so
 * does the row. At each point of death whoever asks what it is gets one that the leader takes. The application's password stays: clients
 * that know it go on (`set_password` changes both).
 */

import { generatePassword } from '../../../common/secrets/password.js'
import type { InstanceId } from '../../../domain/instance/instance.js'
import type { Credentials } from '../../../domain/replication/credentials.js'
import { openCredentials, sealCredentials } from '../../../store/sealed-credentials.js'
import type { Changes } from '../../../store/store.js'
import type { WorkflowContext } from '../../engine/workflow.js'
import { insist, isGuestsFault } from '../../guests/guests.js'

/** Accounts with another replication password; the one before is taken as well until it is dropped. */
export function withFreshReplication(credentials: Credentials): Credentials {
  return { ...credentials, replication: generatePassword(), replicationBefore: credentials.replication }
}

/** Accounts without the replication password of before. */
export function withoutOldReplication({ replicationBefore: _, ...kept }: Credentials): Credentials {
  return kept
}

/** What came of it: rows to be changed with the operation's end, and a sentence for people when the password stays. */
export interface Renewed {
  readonly changes: Pick<Changes, 'sets'>
  readonly note: string
}

/**
 * Gives the operation's set another replication password. A leader that does not answer leaves all as it was; another member that does not
 * gets the accounts when its agent asks. Never fails for a guest's sake; may be repeated.
 */
export async function renewReplication(
  leaderId: InstanceId,
  otherIds: readonly InstanceId[],
  context: WorkflowContext,
): Promise<Renewed> {
  const { setId } = context.operation
  return context.step('change the replication password', async () => {
    const before = openCredentials(context.keyRing, (await context.store.sets.find(setId)).sealedCredentials)
    const both = withFreshReplication(before)
    const after = withoutOldReplication(both)
    const rowOf = (credentials: Credentials) => ({
      sets: { [setId]: { sealedCredentials: sealCredentials(context.keyRing, credentials) } },
    })
    try {
      await tell(leaderId, both, context)
      await context.change(rowOf(both))
      await Promise.all(otherIds.map((id) => tellIfThere(id, after, context)))
      await tell(leaderId, after, context)
      return { changes: rowOf(after), note: '' }
    } catch (error) {
      if (!isGuestsFault(error)) throw error
      context.log.warn({ instanceId: leaderId, reason: error.message }, 'replication password not changed')
      const note = ` The old password of its replicas is taken still, since ${leaderId} did not answer; enable root again to change both passwords.`
      return { changes: {}, note }
    }
  })
}

async function tellIfThere(
  id: InstanceId,
  credentials: Credentials,
  context: WorkflowContext,
): Promise<void> {
  try {
    await tell(id, credentials, context)
  } catch (error) {
    if (!isGuestsFault(error)) throw error
    context.log.warn(
      { instanceId: id, reason: error.message },
      'replication password not changed on a member',
    )
  }
}

async function tell(id: InstanceId, credentials: Credentials, context: WorkflowContext): Promise<void> {
  const token = context.token('change the replication password')
  await insist(
    `Instance ${id}`,
    context,
    (signal) => context.guest(id).setCredentials({ token, credentials }, { signal }),
    context.timings.lookMs,
  )
}
