/*
 * Two questions of an eject, both pure: may this source be ejected, and who is the most current replica.
 * The seed ranks by the smallest master_last_io_seconds_ago. Redis prints -1 there on every replica once the link is
 * gone, so the intent (who heard the source last) is measured by the agent instead, after lineage and offset.
 */
import type { InstanceId } from '../instance/instance.js'
import type { Observation } from '../instance/observation.js'
import { isOverdue } from '../instance/silence.js'

/** A replica that heard its source no longer ago than this still streams. Managed sets ping every second. */
export const LAST_IO_SECONDS_STREAMING = 3

/** What is known of a set when somebody asks to eject its source. */
export interface EjectFacts {
  /** Milliseconds since the source's agent reported; null when it never did. */
  readonly sourceReportAgeMs: number | null
  readonly source: Observation | null
  readonly replicas: readonly {
    readonly id: InstanceId
    readonly reportAgeMs: number | null
    readonly observation: Observation | null
  }[]
  readonly reportAgeMsMax: number
}

/**
 * Why this source may not be ejected, as a sentence for the user; null when it may.
 * First witness: the agent is silent, or says itself that its server crashed, is stopped or answers nobody. Second witness, when nobody says
 * that it does not run: at least half of the replicas that can be asked no longer hear the source.
 */
export function ejectRefusal(facts: EjectFacts): string | null {
  const { sourceReportAgeMs, source, reportAgeMsMax } = facts
  const silent = isOverdue(sourceReportAgeMs, reportAgeMsMax)
  if (!silent && source?.service !== 'unresponsive') {
    if (source?.service === 'crashed' || source?.service === 'stopped') return null
    return source?.service === 'running'
      ? 'the replica source is healthy; use promote_to_replica_source on a replica instead'
      : `the replica source is ${source?.service ?? 'unknown'} and its agent reports; wait, restart it, or force the eject`
  }
  const reachable = facts.replicas.filter((r) => !isOverdue(r.reportAgeMs, reportAgeMsMax))
  const streaming = reachable.filter((r) => r.observation && isStreaming(r.observation))
  if (streaming.length * 2 > reachable.length) {
    const what = silent
      ? 'the agent of the replica source is silent'
      : 'the replica source does not answer its agent'
    return `${what}, but ${streaming.length} of ${reachable.length} replicas still receive from it; wait, restart it, or force the eject`
  }
  return null
}

/** The replica hears its source now. */
export function isStreaming(replica: Observation): boolean {
  return (
    replica.link === 'up' &&
    replica.lastIoSecondsAgo !== null &&
    replica.lastIoSecondsAgo >= 0 &&
    replica.lastIoSecondsAgo < LAST_IO_SECONDS_STREAMING
  )
}

/** A replica that may become the source. */
export interface Candidate {
  readonly id: InstanceId
  /** A fresh sample, taken after the source was fenced and the replica's link cut. */
  readonly observation: Observation
}

/** The source's last known place in its history. */
export interface Lineage {
  readonly replicationId: string | null
  readonly offset: number | null
}

/** A candidate with its place in the order, and why. */
export interface Ranked {
  readonly id: InstanceId
  /** A: the source's own history. B: another history, or none that can be compared. */
  readonly lineage: 'A' | 'B'
  readonly offset: number
  readonly reason: string
}

/**
 * Replicas that may lead, best first: lineage, then greatest offset, then the one that lost its link last (agent-timed),
 * then id. A replica that is loading, copying for the first time, or that never got the source's history is left out. One that is copying
 * once more still has what it had: Redis drops that when it loads the copy.
 */
export function rankCandidates(candidates: readonly Candidate[], source: Lineage): readonly Ranked[] {
  return candidates
    .filter(({ observation }) => isEligible(observation, source))
    .map((candidate) => ({ candidate, lineage: lineageOf(candidate.observation, source) }))
    .sort((a, b) => compare(a, b))
    .map(({ candidate, lineage }) => ({
      id: candidate.id,
      lineage,
      offset: candidate.observation.offset ?? 0,
      reason: reasonOf(candidate.observation, lineage),
    }))
}

/** Bytes of the replication stream that the source had acknowledged to itself and `winner` never received; null if unknown. */
export function estimatedLossBytes(winner: Ranked, source: Lineage): number | null {
  if (winner.lineage !== 'A' || source.offset === null) return null
  return Math.max(0, source.offset - winner.offset)
}

/** Before its first synchronisation a replica has a history of its own at offset 0; a source without a write yet is at 0 too. */
function isEligible(observation: Observation, source: Lineage): boolean {
  const hasHistory = source.replicationId !== null && observation.replicationId === source.replicationId
  return (
    observation.service === 'running' &&
    observation.role === 'replica' &&
    observation.replicationId !== null &&
    (hasHistory || (observation.offset ?? 0) > 0)
  )
}

function lineageOf(observation: Observation, source: Lineage): 'A' | 'B' {
  if (source.replicationId === null) return 'A'
  return observation.replicationId === source.replicationId ? 'A' : 'B'
}

type Placed = { readonly candidate: Candidate; readonly lineage: 'A' | 'B' }

function compare(a: Placed, b: Placed): number {
  if (a.lineage !== b.lineage) return a.lineage < b.lineage ? -1 : 1
  const [one, other] = [a.candidate.observation, b.candidate.observation]
  const byOffset = (other.offset ?? 0) - (one.offset ?? 0)
  if (byOffset !== 0) return byOffset
  const byLink = (one.linkDownMs ?? Infinity) - (other.linkDownMs ?? Infinity)
  if (byLink !== 0 && !Number.isNaN(byLink)) return byLink
  return a.candidate.id < b.candidate.id ? -1 : 1
}

function reasonOf(observation: Observation, lineage: 'A' | 'B'): string {
  const history = lineage === 'A' ? "the source's own history" : 'another history than the source'
  return `${history}, offset ${observation.offset ?? 0}, link lost ${Math.round(observation.linkDownMs ?? 0)} ms ago`
}
