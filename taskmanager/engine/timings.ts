import type { Settings } from '../../common/settings/settings.js'

/** Every wait of the taskmanager, in milliseconds. */
export interface Timings {
  readonly leaseMs: number
  readonly sweepMs: number
  /** Older reports mean that the agent is silent. */
  readonly reportAgeMsMax: number
  /** How long a promote may hold back writes. */
  readonly promotePauseMs: number
  /** How long a promote waits for its candidate to be close behind before it holds back anything. */
  readonly promoteReadyMs: number
  /** How long one new replica may take to link up. */
  readonly replicaSyncMsMax: number
  /** One look at a guest that should be there. */
  readonly lookMs: number
  /** One look at a guest that is silent already; adds to every eject. */
  readonly silentLookMs: number
  /** One try of a call that changes a guest's role. */
  readonly assumeMs: number
  /** How long a guest that must answer is asked again before it counts as lost. An agent is started again within two seconds. */
  readonly patienceMs: number
  /** From a guest's start until its redis-server serves; loading a big data set counts. */
  readonly bootMs: number
  /** How long finished changes wait for links to come up, for the record only. */
  readonly linkMs: number
  /** How long a clean stop may take before the provider removes the guest anyway. */
  readonly stopMs: number
  /** Commit fails for this long without a break, broker and database there: the operation ends as failed. */
  readonly commitMsMax: number
}

/** Waits as the settings say, with the rest chosen so that an agent's restart never costs a role. */
export function timingsOf(settings: Settings): Timings {
  return {
    leaseMs: settings.REDTROVE_LEASE_MS,
    sweepMs: settings.REDTROVE_SWEEP_MS,
    reportAgeMsMax: settings.REDTROVE_HEARTBEAT_AGE_MS_MAX,
    promotePauseMs: settings.REDTROVE_PROMOTE_PAUSE_MS,
    promoteReadyMs: 10_000,
    replicaSyncMsMax: settings.REDTROVE_REPLICA_SYNC_MS_MAX,
    lookMs: 2_000,
    silentLookMs: 250,
    assumeMs: 5_000,
    patienceMs: 10_000,
    bootMs: 60_000,
    linkMs: 5_000,
    stopMs: 3_000,
    commitMsMax: 60_000,
  }
}
