/*
 * What an agent must not forget: the highest command it accepted, and what it was told to be. One file, written through to the
 * disk before the command has any effect, so that a restart never obeys an older order.
 */

import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, RedtroveError } from '../../common/errors.js'
import { openSerial } from '../../common/serial.js'
import { isLower, type Token } from '../../domain/fencing/token.js'
import type { AcceptedAssignment } from '../../domain/instance/observation.js'
import { type Assignment, assignmentSchema } from '../../domain/replication/assignment.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import { readSlots, replaceSlot } from './slots-file.js'

const OUTCOMES_KEPT = 32

const stateSchema = z.object({
  /** Highest (epoch, attempt) seen in any command. */
  epoch: z.int().min(1),
  attempt: z.int().min(0),
  assignment: assignmentSchema,
  /** Its set has, or had, other members: only the control plane knows whether one of them leads now. */
  hadReplicas: z.boolean(),
  /**
   * Nobody has said what it is yet, as right after birth: its server does not run. If it led long ago, its data are gone with this file, and
   * whoever follows it would copy nothing, or what its source of back then has by now.
   */
  newborn: z.boolean().default(false),
  /** Told to stop; also over a restart of the agent. */
  stopped: z.boolean(),
  /** The last stop was clean and left its data in dump.rdb: start from there. Gone once the append-only file is whole again. */
  startFromRdb: z.boolean(),
  /** Outcomes of `assume` by operation and step, oldest first. */
  outcomes: z.array(z.object({ key: z.string(), writesFrozen: z.boolean() })).max(OUTCOMES_KEPT),
})
/** All of it, as it lies on disk. */
export type AgentState = z.output<typeof stateSchema>

/** What differs in the next state, computed when it is this change's turn. */
export type StateChange = (state: AgentState) => Partial<AgentState>

/** The state, and the one door through which it changes. */
export interface AcceptedState {
  readonly current: () => AgentState
  /** Refuses with `stale_epoch` a token lower than the highest seen; else remembers it, and `change` with it, durably. */
  accept(token: Pick<Token, 'epoch' | 'attempt'>, change?: StateChange): Promise<void>
  /** Durable before it resolves. Nothing is written when nothing differs. */
  update(change: Partial<AgentState>): Promise<void>
  /** What `assume` with this operation and step led to, as far as it was kept. */
  outcomeOf(token: Token): { readonly writesFrozen: boolean } | null
  /** Keeps that writes were frozen until the change of role. */
  keepOutcome(token: Token): Promise<void>
  /** As observations show it. */
  summary(): AcceptedAssignment
}

/**
 * Opens the file, or starts it with the assignment at birth. `kept` turns accounts into what may be kept of them, at each change. Fails with
 * `guest_failed` when it cannot be read: to guess is to risk two sources.
 */
export async function openAcceptedState(
  path: string,
  birth: Assignment,
  kept: (credentials: Credentials) => Credentials = (all) => all,
): Promise<AcceptedState> {
  const inLine = openSerial()
  const found = readState(path)
  let state = found ?? newState(birth)
  if (!found) await replaceSlot(path, JSON.stringify(state))

  const save = (change: StateChange) =>
    inLine(async () => {
      const changed = { ...state, ...change(state) }
      const { assignment } = changed
      const next = {
        ...changed,
        assignment: { ...assignment, credentials: kept(assignment.credentials) },
      }
      if (JSON.stringify(next) === JSON.stringify(state)) return
      await replaceSlot(path, JSON.stringify(next))
      state = next
    })

  return {
    current: () => state,
    update: (change) => save(() => change),
    accept: ({ epoch, attempt }, change = () => ({})) =>
      save((now) => {
        if (isLower({ epoch, attempt }, now)) {
          throw new RedtroveError(
            'stale_epoch',
            `Epoch ${epoch} attempt ${attempt} is lower than epoch ${now.epoch} attempt ${now.attempt}, which this guest has accepted.`,
          )
        }
        return { ...change(now), epoch, attempt }
      }),
    outcomeOf: (token) => state.outcomes.find(({ key }) => key === keyOf(token)) ?? null,
    keepOutcome: (token) =>
      save(({ outcomes }) => {
        const others = outcomes.filter(({ key }) => key !== keyOf(token))
        return { outcomes: [...others, { key: keyOf(token), writesFrozen: true }].slice(-OUTCOMES_KEPT) }
      }),
    summary: () => ({
      setId: state.assignment.setId,
      epoch: state.assignment.epoch,
      attempt: state.attempt,
      role: state.assignment.role,
      source: state.assignment.source,
    }),
  }
}

/** A command with this assignment can be that of its birth as a source: the only one of that epoch. */
export function isOfBirth({ newborn, assignment }: AgentState, { role, epoch }: Assignment): boolean {
  return newborn && assignment.role === 'source' && role === 'source' && epoch === assignment.epoch
}

/** Why `assignment` must not be obeyed but at birth, as a sentence for the user: it would lead with nothing. Null when it may be. */
export function refusalToLead({ newborn }: AgentState, { role }: Assignment): string | null {
  if (role !== 'source' || !newborn) return null
  return 'This instance should be the source, but its data directory is empty. Eject it if it has replicas; otherwise delete it.'
}

/** Fails with `guest_failed` when it must not be obeyed, with `bad_request` when a replica is not told whom to follow. */
export function requireObeyable(state: AgentState, assignment: Assignment): void {
  if (assignment.role === 'replica' && !assignment.source)
    throw new RedtroveError('bad_request', 'A replica must be told whom to follow.')
  const refusal = isOfBirth(state, assignment) ? null : refusalToLead(state, assignment)
  if (refusal !== null) throw new RedtroveError('guest_failed', refusal)
}

/** What changes with a new assignment. A new set starts without other members; a replica always has some. */
export function withAssignment(assignment: Assignment): StateChange {
  return (state) => {
    const sameSet = state.assignment.setId === assignment.setId
    const hadReplicas = assignment.role === 'replica' || (sameSet && state.hadReplicas)
    return { assignment, hadReplicas, newborn: false }
  }
}

function keyOf({ operationId, step }: Token): string {
  return `${operationId}/${step}`
}

function newState(birth: Assignment): AgentState {
  return {
    epoch: birth.epoch,
    attempt: 0,
    assignment: birth,
    hadReplicas: birth.role === 'replica',
    newborn: true,
    stopped: false,
    startFromRdb: false,
    outcomes: [],
  }
}

/** Agents before this one kept it as plain JSON beside; to forget it on an upgrade would be to forget a fence. */
function earlierFormat(path: string): string | null {
  const file = `${path}.json`
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

function readState(path: string): AgentState | null {
  try {
    const text = readSlots(path) ?? earlierFormat(path)
    return text === null ? null : stateSchema.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof RedtroveError ? cause.message : messageOf(cause)
    throw new RedtroveError('guest_failed', `The agent's state ${path} cannot be used: ${why}`, { cause })
  }
}
