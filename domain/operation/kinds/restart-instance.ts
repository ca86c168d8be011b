import { z } from 'zod'
import { RedtroveError } from '../../../common/errors.js'
import { called } from '../../instance/called.js'
import { operationKind } from '../define.js'

/** The server of an instance is started again. `acceptOlderData`: a source whose data cannot be loaded may start with an older state of them. */
export const restartInstance = operationKind({
  kind: 'restart_instance',
  request: z.object({ acceptOlderData: z.boolean().optional() }),
  holds: 'subject',
  deadlineMs: 300_000,
  status: { subject: 'REBOOT', others: 'ACTIVE' },
  roleInMotion: false,
  check: ({ topology, subject }, { acceptOlderData }) => {
    if (!acceptOlderData || topology.source !== subject.id || topology.replicas.length === 0) return
    throw new RedtroveError(
      'unprocessable',
      `Instance ${called(subject)} has replicas, which would copy its older data. They hold the newer ones: eject it.`,
    )
  },
})
