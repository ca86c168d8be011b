import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../common/files/durable-file.js'
import { type AgentSeed, agentSeedSchema } from '../wire/agent/seed.js'
import { type GuestSpec, guestSpecSchema } from '../wire/host/guest.js'

/** What the host keeps of a guest, in the guest's own folder: what it is, and whether it may run. */
const recordSchema = z.object({
  spec: guestSpecSchema,
  desired: z.enum(['running', 'fenced']),
  /** A volume was made for it. Not there with processes, whose data is in this folder too. */
  hasVolume: z.boolean().optional(),
})
export type GuestRecord = z.output<typeof recordSchema>

const RECORD = 'guest.json'

/** The record of a guest; null when the host knows none of this id. */
export function readRecord(dir: string): GuestRecord | null {
  const file = join(dir, RECORD)
  if (!existsSync(file)) return null
  return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
}

/** Durable before it resolves: a fence must outlive the host. */
export async function writeRecord(dir: string, record: GuestRecord): Promise<void> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  await writeDurably(join(dir, RECORD), JSON.stringify(record))
}

/** The file an agent is started with, made anew at each start out of the record and the present settings. */
export async function writeSeed(
  dir: string,
  spec: GuestSpec,
  settings: Omit<AgentSeed, 'spec' | 'dir'>,
): Promise<string> {
  const file = join(dir, 'seed.json')
  await writeDurably(file, JSON.stringify(agentSeedSchema.parse({ ...settings, spec, dir })))
  return file
}

/** Ids of all guests that this host has a folder of. */
export function guestIds(guestsDir: string): readonly string[] {
  if (!existsSync(guestsDir)) return []
  return readdirSync(guestsDir).filter((id) => existsSync(join(guestsDir, id, RECORD)))
}

/** Removes everything of a guest. */
export function removeFolder(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}
