import type { Logger } from '../../common/log.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Handlers, Method } from '../contract.js'
import { type Outcome, outcomeOf } from '../outcome.js'
import type { Admission } from '../sealed/admission.js'
import { type Header, type OpenedMessage, openMessage, sealMessage } from '../sealed/envelope.js'
import type { Refusals } from '../sealed/refusals.js'
import { guestAgent } from './commands.js'

/** Outcomes kept for a broker that gives a message again because it did not see our acknowledgement. */
const OUTCOMES_MAX = 64

/** Whose commands are served, and who may decide about them. */
export interface GuestServerOptions {
  readonly instanceId: InstanceId
  readonly key: Buffer
  readonly admission: Admission
  readonly refusals: Refusals
  readonly log: Logger
}

/** A message as the broker gave it. */
export interface Delivery {
  readonly lane: Method['lane']
  readonly bytes: Buffer
  /** The broker says that it gave this message to somebody before. */
  readonly redelivered: boolean
}

/** The guest's end of commands. */
export interface GuestServer {
  serve(handlers: Handlers<typeof guestAgent>): void
  /** Resolves with the sealed answer, or with nothing for a message that is refused. Never rejects. */
  receive(delivery: Delivery): Promise<Buffer | undefined>
}

/**
 * Opens commands, admits each once, carries it out and seals the answer. Control commands run one at a time, also when the
 * broker hands out a second one because the connection was lost under the first.
 */
export function openGuestServer(options: GuestServerOptions): GuestServer {
  const { instanceId, key, admission, refusals, log } = options
  const outcomes = new Map<string, Promise<Outcome>>()
  let handlers: Handlers<typeof guestAgent> | undefined
  let controlTurn: Promise<unknown> = Promise.resolve()

  return {
    serve: (given) => {
      handlers = given
    },
    receive: async (delivery) => {
      const opened = openMessage(delivery.bytes, 'command', (id) => (id === instanceId ? key : undefined))
      if (typeof opened === 'string') return refusals.refuse(`a command is ${opened}`)
      const step = () => admitted(opened, delivery)
      const outcome = await (delivery.lane === 'control' ? inTurn(step) : step())
      return outcome && seal(opened.header, outcome)
    },
  }

  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = controlTurn.then(step)
    controlTurn = turn.catch(() => {})
    return turn
  }

  async function admitted(
    { header, payload }: OpenedMessage,
    delivery: Delivery,
  ): Promise<Outcome | undefined> {
    const facts = { method: header.method, sender: header.from }
    const method = methodOf(header.method)
    // Before anything is remembered of it: lanes are numbered apart, and it would use up a number of this one.
    if (method && method.lane !== delivery.lane)
      return refusals.refuse('a command came by the wrong lane', facts)
    const known = delivery.redelivered ? outcomes.get(header.messageId) : undefined
    if (known) return known
    const verdict = admission.judge(header, delivery.lane)
    if (verdict === 'stranger') return { incarnation: admission.incarnation() }
    if (verdict === 'replayed') return refusals.refuse('a command came twice', facts)
    const outcome = carryOut(header.method, method, payload)
    remember(header.messageId, outcome)
    return outcome
  }

  async function carryOut(name: string, method: Method | undefined, payload: unknown): Promise<Outcome> {
    const known: Record<string, (params: never) => Promise<unknown>> = handlers ?? {}
    const handler = known[name]
    if (!method || !handler)
      return { ok: false, kind: 'unavailable', message: `The agent does not serve ${name} now.` }
    // The parameters were parsed by this method's own schema.
    return outcomeOf(method, payload, (params) => handler(params as never), log)
  }

  function remember(messageId: string, outcome: Promise<Outcome>): void {
    outcomes.set(messageId, outcome)
    const [oldest] = outcomes.keys()
    if (outcomes.size > OUTCOMES_MAX && oldest) outcomes.delete(oldest)
  }

  function seal(command: Header, outcome: Outcome): Buffer {
    const from = admission.incarnation()
    return sealMessage(key, { ...command, kind: 'answer', from, to: command.from, seq: 0 }, outcome)
  }
}

function methodOf(name: string): Method | undefined {
  return Object.entries(guestAgent).find(([known]) => known === name)?.[1]
}
