/*
 * When a redis-server may take writes, as a table. After every start writes are out of reach; they come into reach when the data is loaded and it
 * is certain that no higher epoch has another source:
 *   - a command of the present epoch says so (it carries a token), or
 *   - the control plane answers that this is still the source, or
 *   - the process was found taking writes by an agent that has just begun: an agent's restart changes nothing, or
 *   - the set never had another member, so nobody else can lead.
 * All of that holds for one process of the server: the next one starts with nothing.
 */
import type { MemberRole } from '../instance/instance.js'

/** What is known of one process of a redis-server. */
export interface WriteFacts {
  readonly role: MemberRole
  /** One of the first three reasons above was seen for this very process. */
  readonly confirmed: boolean
  /** The set had another member at some time. */
  readonly hadReplicas: boolean
  /** The agent has no memory of a life before: this may be a source that lost its folder. */
  readonly newborn: boolean
}

/** `wait`: writes stay out of reach until the control plane was heard. */
export type WriteVerdict = 'take writes' | 'follow' | 'never' | 'wait'

/** The table. */
export function writeVerdict({ role, confirmed, hadReplicas, newborn }: WriteFacts): WriteVerdict {
  if (role === 'replica') return 'follow'
  if (role === 'ejected') return 'never'
  return confirmed || !(hadReplicas || newborn) ? 'take writes' : 'wait'
}

/** A process: pid and start time. */
export type ProcessName = string

/** What an agent remembers of its server's right, from one event to the next. */
export interface Standing {
  /** The process that has its role, or waits for the word that it still leads with everything else done. */
  readonly settled: ProcessName | null
  readonly confirmed: ProcessName | null
  /** Something may have been missed: the control plane is to be asked. */
  readonly asks: boolean
  /** Since when a source waits for the word. Monotonic milliseconds. */
  readonly waitsSinceMs: number | null
  /** Why the role could not be given, and why this may not lead at all: sentences for the user. */
  readonly trouble: string | null
  readonly emptied: string | null
}

/** What happens to a server and to its agent. */
export type StandingEvent =
  /** The process ended or began, or the broker was reached. */
  | { readonly type: 'kicked' }
  | { readonly type: 'found taking writes'; readonly who: ProcessName }
  | { readonly type: 'settled'; readonly who: ProcessName }
  | { readonly type: 'not settled'; readonly why: string }
  | { readonly type: 'waits'; readonly nowMs: number }
  /** By a command or an answer; `whole` is false while the append-only file of a start out of dump.rdb is not back. */
  | { readonly type: 'confirmed'; readonly who: ProcessName | null; readonly whole: boolean }
  /** The control plane answered; the refusal says that this should lead and has nothing. */
  | { readonly type: 'heard'; readonly refusal: string | null }
  | { readonly type: 'answered' }

/** An agent that has seen nothing: the first thing it does is ask. */
export const UNKNOWN: Standing = {
  settled: null,
  confirmed: null,
  asks: true,
  waitsSinceMs: null,
  trouble: null,
  emptied: null,
}

/** The standing after an event; pure. */
export function standingAfter(before: Standing, event: StandingEvent): Standing {
  switch (event.type) {
    case 'kicked':
      return { ...before, asks: true }
    case 'found taking writes':
      return { ...before, confirmed: event.who }
    case 'settled':
      return { ...before, settled: event.who, trouble: null }
    case 'not settled':
      return { ...before, trouble: event.why }
    case 'waits':
      return { ...before, asks: true, waitsSinceMs: before.waitsSinceMs ?? event.nowMs }
    case 'confirmed':
      return {
        ...before,
        confirmed: event.who,
        settled: event.whole ? event.who : before.settled,
        waitsSinceMs: null,
        trouble: null,
        emptied: null,
      }
    case 'heard':
      return { ...before, emptied: event.refusal }
    case 'answered':
      return { ...before, asks: false }
  }
}

/** Whether the standing's confirmation is of the process that runs now. */
export function isConfirmed({ confirmed }: Standing, runs: ProcessName | null): boolean {
  return confirmed !== null && confirmed === runs
}
