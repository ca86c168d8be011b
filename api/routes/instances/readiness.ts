import { RedtroveError } from '../../../common/errors.js'
import { called } from '../../../domain/instance/called.js'
import { isSilent } from '../../../domain/instance/silence.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { ApiContext } from '../../context.js'

/** Refuses what needs a serving instance, with `unprocessable` and what stands in the way. */
export function requireServing({ instance, stored, operation }: InstanceFacts, context: ApiContext): void {
  const refuse = (why: string) =>
    new RedtroveError('unprocessable', `Instance ${called(instance)} is not ready: ${why}.`)
  if (operation) throw refuse(`${operation.kind} (operation ${operation.id}) holds it`)
  if (instance.fault) throw refuse(`its status is ERROR (${instance.fault.message}); restart or delete it`)
  // It was created a moment ago: its agent answered the task manager, and its first report is on the way.
  if (!stored) return
  if (isSilent(stored, context.settings.REDTROVE_HEARTBEAT_AGE_MS_MAX)) throw refuse('its agent is silent')
  const { service, fault } = stored.observation
  // The taskmanager waits for one that is slow.
  if (service === 'running' || service === 'slow') return
  throw refuse(service === 'unresponsive' && fault ? fault.replace(/\.$/, '') : `its server is ${service}`)
}
