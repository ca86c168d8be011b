/** Trove's words for `status`. */
export const INSTANCE_STATUSES = [
  'BUILD',
  'ACTIVE',
  'REBOOT',
  'PROMOTE',
  'EJECT',
  'DETACH',
  'SHUTDOWN',
  'ERROR',
] as const
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number]

/** Trove's words for `operating_status`; empty while an operation holds the instance. */
export const OPERATING_STATUSES = ['', 'HEALTHY', 'BLOCKED', 'SHUTDOWN', 'ERROR'] as const
export type OperatingStatus = (typeof OPERATING_STATUSES)[number]
