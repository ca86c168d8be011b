import { z } from 'zod'

/**
 * A sentence of a guest, which the control plane stores and shows. PostgreSQL keeps no text with U+0000: an operation whose fault quoted
 * one could not even be closed.
 */
export function sentenceSchema(lengthMax: number) {
  return z
    .string()
    .max(lengthMax)
    .transform((text) => text.replaceAll('\0', '?'))
}
