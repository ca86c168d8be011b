/*
 * How a message about one instance is sealed.
 *
 *   | version 1 byte | header length 2 bytes | header, JSON | nonce 12 | tag 16 | sealed payload, JSON |
 *
 * The header travels in the clear, because the control plane must know which instance's key to take, and is authenticated with
 * the payload: AES-256-GCM under the instance's key, everything before the nonce is additional data. So kind (direction),
 * instance, method, message, sender, addressee and number cannot be changed, and a message cannot pass for another.
 *
 * Against replay, without a common clock:
 *   command   carries `to`, the guest's incarnation (admission.ts), and `seq`, counted by the sender for that guest and lane. A
 *             guest carries a number out once, and only when `to` is what it is now; else it answers with its incarnation and
 *             the caller, if it is still waiting, seals the command anew. A command whose caller gave up is therefore dead as
 *             soon as the guest was restarted, frozen or cut off in between, however long it lay in a queue.
 *   answer    bears its command's message id, which is random and waited for once.
 *   question  only asks, so a replay changes nothing; whoever replays it cannot read the reply.
 *   reply     as an answer.
 *   report    bears (boot id, number). A replayed one is authentic but old: the store remembers boots with their last number.
 *
 * Nonces are random: 96 bits are enough for 2^32 messages a key, a century of one a second.
 * There is no plaintext fallback.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { InstanceId } from '../../domain/instance/instance.js'

const VERSION = 1
const LENGTH_BYTES = 2
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Larger ones are nobody's; it bounds what a stranger can make us parse. */
const MESSAGE_BYTES_MAX = 1024 * 1024

/** Directions of a message; one of a kind cannot pass for another. */
export const MESSAGE_KINDS = ['command', 'answer', 'question', 'reply', 'report'] as const

const headerSchema = z.strictObject({
  kind: z.enum(MESSAGE_KINDS),
  instanceId: z.uuid(),
  method: z.string().regex(/^[A-Za-z]{1,64}$/),
  messageId: z.uuid(),
  /** The sender's name: the guest's incarnation or boot id, or the control plane process's random name. */
  from: z.string().min(1).max(128),
  /** The incarnation that a command is for; null while the sender does not know it. */
  to: z.string().min(1).max(128).nullable(),
  seq: z.int().min(0),
})

/** What is known about a message without opening it; to be believed only after `openMessage`. */
export type Header = z.output<typeof headerSchema>

/** An authentic message. */
export interface OpenedMessage {
  readonly header: Header
  /** Authentic, but not checked yet. */
  readonly payload: unknown
}

/** Why a message was not opened: it is not one of ours, or not sealed by this key for this place. */
export type Refusal = 'malformed' | 'foreign'

/** Seals `payload` (JSON) under an instance's 32-byte key. */
export function sealMessage(key: Buffer, header: Header, payload: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(1 + LENGTH_BYTES)
  prefix.writeUInt8(VERSION, 0)
  prefix.writeUInt16BE(text.length, 1)
  const clear = Buffer.concat([prefix, text])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(clear)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(payload), 'utf8'), cipher.final()])
  return Buffer.concat([clear, nonce, cipher.getAuthTag(), sealed])
}

/**
 * Opens a message of one `kind` with the key of the instance that it names; `keyOf` returns nothing for an instance that must
 * not be spoken for here. Never throws for what arrives: anything else than an authentic message is a refusal.
 */
export function openMessage(
  bytes: Buffer,
  kind: Header['kind'],
  keyOf: (instanceId: InstanceId) => Buffer | undefined,
): OpenedMessage | Refusal {
  const clearBytes = bytes.length > LENGTH_BYTES ? 1 + LENGTH_BYTES + bytes.readUInt16BE(1) : Infinity
  const sealedAt = clearBytes + NONCE_BYTES + TAG_BYTES
  if (bytes.length > MESSAGE_BYTES_MAX || bytes[0] !== VERSION || bytes.length < sealedAt) return 'malformed'
  const header = headerSchema.safeParse(parseJson(bytes.subarray(1 + LENGTH_BYTES, clearBytes)))
  if (!header.success) return 'malformed'
  const key = header.data.kind === kind ? keyOf(header.data.instanceId) : undefined
  if (!key) return 'foreign'
  const nonce = bytes.subarray(clearBytes, clearBytes + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bytes.subarray(0, clearBytes))
  decipher.setAuthTag(bytes.subarray(clearBytes + NONCE_BYTES, sealedAt))
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(sealedAt)), decipher.final()])
    return { header: header.data, payload: parseJson(text) }
  } catch {
    return 'foreign'
  }
}

/** Nothing when it is no JSON, which no schema of ours accepts. */
function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}
