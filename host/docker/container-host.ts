/* What the hosts of containers have in common, on one engine or on a Swarm. */

import type { Logger } from '../../common/log.js'
import { type AgentSeed, agentSeedSchema } from '../../wire/agent/seed.js'
import type { GuestSpec } from '../../wire/host/guest.js'
import type { Engine } from './engine.js'
import { GUEST_DIR, type Storage } from './guest-container.js'

/** The settings that concern each agent, wherever it finds its files. */
export type AgentSettings = Omit<AgentSeed, 'spec' | 'dir' | 'amqpUrlFile' | 'amqpCaFile' | 'redisServer'>

/** Whose guests, on which engine, and what each agent is told. */
export interface ContainerHostOptions {
  /** Of a Swarm, a manager's. */
  readonly engine: Engine
  /** Names what is ours. */
  readonly installation: string
  readonly storage: Storage
  /** The broker's address, as guests reach it, with the account of all parts. */
  readonly amqpUrl: () => string
  /** The CA of the broker's certificate, PEM; empty when none was named. */
  readonly amqpCa: () => string
  readonly agent: AgentSettings
  readonly log: Logger
}

/** The seed of a guest in a container, which finds the broker's files where `files` says; a secret. */
export function guestSeed(
  spec: GuestSpec,
  agent: AgentSettings,
  files: Pick<AgentSeed, 'amqpUrlFile' | 'amqpCaFile'>,
): string {
  const redisServer = `${spec.datastore.name}-server`
  return JSON.stringify(agentSeedSchema.parse({ ...agent, ...files, spec, dir: GUEST_DIR, redisServer }))
}
