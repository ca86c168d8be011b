import { RedtroveError } from '../../../../common/errors.js'
import { called } from '../../../../domain/instance/called.js'
import { reportAgeMs } from '../../../../domain/instance/silence.js'
import { ejectRefusal } from '../../../../domain/replication/ejection.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSubject } from '../open-on-subject.js'

/** Opens an eject when the source has replicas and looks dead to two witnesses, or when forced. Answers with the operation's id. */
export async function ejectReplicaSource(
  subject: InstanceFacts,
  force: boolean,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { role } = subject.instance
  if (role !== 'source' || subject.replicaIds.length === 0) {
    throw new RedtroveError(
      'bad_request',
      `Instance ${called(subject.instance)} is not a replica source; eject is called on the source of a set.`,
    )
  }
  if (!force) refuseWhileHealthy(subject, await context.store.instances.findMany(subject.replicaIds), context)
  return (await openOnSubject('eject_replica_source', subject, { force }, caller, context)).id
}

function refuseWhileHealthy(
  source: InstanceFacts,
  replicas: readonly InstanceFacts[],
  context: ApiContext,
): void {
  const refusal = ejectRefusal({
    sourceReportAgeMs: reportAgeMs(source.stored),
    source: source.stored?.observation ?? null,
    replicas: replicas.map((replica) => ({
      id: replica.instance.id,
      reportAgeMs: reportAgeMs(replica.stored),
      observation: replica.stored?.observation ?? null,
    })),
    reportAgeMsMax: context.settings.REDTROVE_HEARTBEAT_AGE_MS_MAX,
  })
  if (refusal)
    throw new RedtroveError(
      'bad_request',
      `Replica source ${called(source.instance)} cannot be ejected: ${refusal}.`,
    )
}
