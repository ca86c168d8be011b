/*
 * What programs may say to each other over AMQP, as two narrow interfaces. `control-messaging.ts` and `guest-messaging.ts`
 * implement them over a broker session; nothing outside this folder imports amqplib.
 *
 *   api          ── announce ───────────► taskmanager        durable queue `rings`, only an operation's id
 *   taskmanager  ── guest(id).method ───► guest agent        durable queues per instance and lane, sealed
 *   guest agent  ── answer ─────────────► taskmanager        by the exchange `up` to a queue of the asking process
 *   guest agent  ── report ─────────────► taskmanager        by `up` to a bounded queue, sealed, newest matters
 *   guest agent  ── ask.assignmentOf ───► taskmanager        by `up`, sealed, replied to by direct reply-to
 *
 * `up` is all that a guest's account may write to, and its own queues all that it may read (ADR 14).
 *
 * Sealed: AES-256-GCM under the instance's own key; direction, instance, method, message id and boot id are bound to the text;
 * a message that is replayed, meant for another run of the agent, or not sealed by this key is refused. No plaintext fallback.
 * `envelope.ts` says how.
 */

import type { InstanceId } from '../domain/instance/instance.js'
import type { Observation } from '../domain/instance/observation.js'
import type { Report } from '../domain/instance/report.js'
import type { guestAgent } from './agent/commands.js'
import type { BrokerAccount } from './broker/account.js'
import type { BrokerUrl } from './broker/session.js'
import type { Client, Handlers } from './contract.js'
import type { taskmanagerQuestions } from './control/questions.js'

/** The control plane's side (api: only `announce`). All methods reject with `unavailable` while the broker is away. */
export interface ControlMessaging {
  readonly connected: () => boolean
  /** Resolves once the broker accepts, rejects with `unavailable` at the deadline. */
  waitConnected(timeoutMs: number): Promise<void>
  /** Says that an operation is runnable; confirmed by the broker. */
  announce(operationId: string): Promise<void>
  onAnnounced(handler: (operationId: string) => void): void
  /**
   * The caller's end of one guest. Answers as the contract says; a call is never repeated by itself, except when the guest says
   * that this run of the agent has not carried it out. A guest without queues fails at once.
   */
  guest(instanceId: InstanceId): Client<typeof guestAgent>
  /**
   * Declares the queues of an instance, before its agent starts: an agent may declare nothing. Repeatable; a queue with other arguments is
   * replaced. Answers with the account that the agent has to use; null is the one of all parts. Fails with `unavailable` for a queue or an account
   * that cannot be had, and no other call is hurt by that.
   */
  declareGuest(instanceId: InstanceId): Promise<BrokerAccount | null>
  /** Deletes them and the account; an agent that still runs is cut off. Repeatable. */
  removeGuest(instanceId: InstanceId): Promise<void>
  onReport(handler: (report: Report) => void): void
  onQuestion(handlersFor: (instanceId: InstanceId) => Handlers<typeof taskmanagerQuestions>): void
  close(): Promise<void>
}

/** A guest agent's side. */
export interface GuestMessaging {
  readonly connected: () => boolean
  serve(handlers: Handlers<typeof guestAgent>): void
  /** Numbered and sealed; dropped while the broker is away, since only the newest matters. */
  report(observation: Observation): void
  readonly ask: Client<typeof taskmanagerQuestions>
  /** Called each time the broker is reached (again), and at once when it is reached already. */
  onConnected(handler: () => void): void
  close(): Promise<void>
}

/** Which broker, and whose queues on it. */
export interface MessagingOptions {
  /** With credentials; never logged. A function is asked before each attempt to connect. */
  readonly url: BrokerUrl
  /** Whose signature the certificate of an amqps:// broker must bear; see `SessionOptions`. */
  readonly caFile?: string
  /** First word of every queue's name, the same for all parts of one service (default `redtrove`). */
  readonly prefix?: string
}

/** Sealing keys by instance (the key ring's `instanceKey`). */
export type KeyOf = (instanceId: InstanceId) => Buffer
