import { z } from 'zod'
import { RedtroveError } from '../../../common/errors.js'
import { called } from '../../instance/called.js'
import { operationKind } from '../define.js'

/** An instance and its data are removed; a source only when nobody follows it. */
export const deleteInstance = operationKind({
  kind: 'delete_instance',
  request: z.object({}),
  holds: 'subject',
  deadlineMs: 180_000,
  status: { subject: 'SHUTDOWN', others: 'ACTIVE' },
  roleInMotion: true,
  check: ({ topology, subject }) => {
    if (topology.source !== subject.id || topology.replicas.length === 0) return
    throw new RedtroveError(
      'forbidden',
      `Cannot delete ${called(subject)}: it is the source of ${topology.replicas.join(', ')}; detach or delete them first.`,
    )
  },
})
