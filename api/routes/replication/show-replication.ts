import { isSilent } from '../../../domain/instance/silence.js'
import { driftOf } from '../../../domain/replication/drift.js'
import type { InstanceFacts } from '../../../store/store.js'
import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { statusWords, type Viewing } from '../../views/instance.js'
import { replicationHealth, replicationState } from '../../views/replication-health.js'
import { viewingOf } from '../../views/show-instances.js'

/** The set an instance belongs to: every member, desired beside observed. */
export const showReplication: Handler<'showReplication'> = async ({ params }, caller, context) => {
  const { instance, operation } = await context.store.instances.find(reachOf(caller), params.instance_id)
  const [set, members] = await Promise.all([
    context.store.sets.find(instance.setId),
    context.store.instances.membersOf(instance.setId),
  ])
  const source = members.find((member) => member.instance.role === 'source') ?? null
  const viewing = await viewingOf(caller, context)
  return {
    status: 200,
    body: {
      replication: {
        id: set.id,
        epoch: set.epoch,
        source_id: source?.instance.id ?? null,
        operation_id: operation?.id ?? null,
        members: members.map((member) => memberView(member, viewing)),
        drift: members.flatMap((member) => driftOfMember(member, viewing)),
      },
    },
  }
}

/** Nothing is said of a silent agent: what it last saw may be long past. */
function driftOfMember(member: InstanceFacts, viewing: Viewing): readonly string[] {
  const { instance, stored, sourceEndpoint: source } = member
  if (!stored || isSilent(stored, viewing.reportAgeMsMax)) return []
  return driftOf({ ...instance, source }, stored.observation)
}

function memberView(member: InstanceFacts, viewing: Viewing) {
  const following = member.stored?.observation.following
  return {
    id: member.instance.id,
    name: member.instance.name,
    address: member.instance.endpoint?.host ?? null,
    ...statusWords(member, viewing),
    following: following ? `${following.host}:${following.port}` : null,
    ...replicationState(member),
    ...replicationHealth(member),
  }
}
