/* Certificates and keys as PEM files. What does not fit is said as a sentence without anything of a key in it. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** What a server shows, and what proves that it may. */
export interface ServerIdentity {
  /** The server's own certificate and those between it and its CA, PEM. */
  readonly cert: string
  /** PEM; a secret. */
  readonly key: string
  /** The server's own certificate. */
  readonly leaf: X509Certificate
}

/** Whom to trust: the certificates of a file, PEM. Throws a sentence when it cannot be read or holds none. */
export function readAuthorities(file: string): string {
  const text = read(file)
  certificatesOf(text, file)
  return text
}

/** A server's certificate. Throws a sentence when the file holds none. */
export function readLeaf(certFile: string): X509Certificate {
  return leafOf(read(certFile), certFile)
}

/** A certificate and its key. Throws a sentence when one of them cannot be used or they do not belong together. */
export function readIdentity(certFile: string, keyFile: string): ServerIdentity {
  const [cert, key] = [read(certFile), read(keyFile)]
  const leaf = leafOf(cert, certFile)
  if (!leaf.checkPrivateKey(keyOf(key, keyFile)))
    throw new Error(`${keyFile} is not the key of the certificate in ${certFile}`)
  return { cert, key, leaf }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`)
  }
}

function leafOf(text: string, file: string): X509Certificate {
  const [leaf] = certificatesOf(text, file)
  if (leaf) return leaf
  throw new Error(`${file} holds no certificate (PEM)`)
}

function certificatesOf(text: string, file: string): readonly X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? []
  if (blocks.length === 0) throw new Error(`${file} holds no certificate (PEM)`)
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    throw new Error(`${file} holds a damaged certificate`)
  }
}

function keyOf(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch {
    const why = /ENCRYPTED/.test(text) ? 'is locked by a passphrase' : 'holds no private key (PEM)'
    throw new Error(`${file} ${why}`)
  }
}
