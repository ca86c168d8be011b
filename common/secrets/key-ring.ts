import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { RedtroveError } from '../errors.js'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals secrets at rest and derives the key of each instance's messages. */
export interface KeyRing {
  /** AES-256-GCM; `purpose` is bound to the text, so a value sealed for one column cannot be read in another. */
  seal(plain: string, purpose: string): string
  /** Fails with `internal` when the text was tampered with, belongs to another purpose or another key. */
  open(sealed: string, purpose: string): string
  /** The 32-byte key of one instance's messages (HKDF-SHA256). */
  instanceKey(instanceId: string, generation?: number): Buffer
  /** The password of one guest's user of the broker; letters, digits, `-` and `_`. */
  brokerPassword(instanceId: string): string
}

/** A key ring over one 32-byte master key (`STATE_DIR/secrets/master.key`, 0600). */
export function keyRing(master: Buffer): KeyRing {
  if (master.length !== 32)
    throw new RedtroveError('bad_setting', `The master key has ${master.length} bytes; 32 are needed.`)
  const atRest = derive(master, 'at-rest')
  return {
    seal: (plain, purpose) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', atRest, nonce).setAAD(Buffer.from(purpose))
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')}`
    },
    open: (sealed, purpose) => {
      try {
        const bytes = Buffer.from(sealed.slice('v1.'.length), 'base64url')
        const decipher = createDecipheriv('aes-256-gcm', atRest, bytes.subarray(0, NONCE_BYTES)).setAAD(
          Buffer.from(purpose),
        )
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
        return (
          decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
        )
      } catch (cause) {
        throw new RedtroveError(
          'internal',
          `A sealed value (${purpose}) cannot be opened with this master key.`,
          { cause },
        )
      }
    },
    instanceKey: (instanceId, generation = 1) => derive(master, `instance:${instanceId}:${generation}`),
    brokerPassword: (instanceId) => derive(master, `broker:${instanceId}`).toString('base64url'),
  }
}

function derive(master: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, 'redtrove', info, 32))
}
