/* What a guest is to a Swarm; pure. */
import { createHash } from 'node:crypto'
import type { CreateServiceOptions } from 'dockerode'
import { guestNameOf } from '../../../domain/instance/guest-name.js'
import {
  labelsOf,
  memoryBytesOf,
  memoryLimitBytesOf,
  PIDS_MAX,
  type Storage,
  TMP_MB,
  volumeMount,
  volumeOptions,
} from '../../docker/guest-container.js'
import type { SwarmRecord } from '../records/guest-records.js'

/** Where a guest finds its seed, and the broker's address: Swarm keeps secrets in memory there. */
export const SEED_FILE = '/run/secrets/seed.json'
/** The CA of the broker's certificate. */
export const AMQP_CA_FILE = '/run/secrets/amqp-ca.pem'
/** The broker's address with the account of all parts, for guests that have none of their own. */
export const AMQP_URL_FILE = '/run/secrets/amqp-url'
/** The broker's address alone. */
export const AMQP_ADDRESS_FILE = '/run/secrets/amqp-address'

/** Short enough for a fence, long enough for an agent that stops its server. */
const STOP_NS = 5_000_000_000
const RESTART_DELAY_NS = 500_000_000
const NS_PER_CPU = 1_000_000_000
const GUEST_USER = '10001'
const MB = 1024 * 1024

/** A secret that is mounted as a file. */
export interface MountedSecret {
  readonly id: string
  readonly name: string
  readonly file: string
}

/** Which image, which network, what it may know, whose. */
export interface ServiceParts {
  readonly image: string
  readonly network: string
  readonly secrets: readonly MountedSecret[]
  readonly installation: string
  readonly storage: Storage
}

/**
 * A service of one task, or of none when the guest may not run: pinned to its node, where its volume is; known by its name, which the
 * overlay network's resolver answers with the task's own address. `ndots` keeps names without a dot from being asked of other
 * resolvers: redis-server looks its source up in its only thread, and must have its answer at once also when the source is gone.
 */
export function serviceSpec(record: SwarmRecord, parts: ServiceParts): CreateServiceOptions {
  const { facts, nodeId, desired } = record
  const name = guestNameOf(facts.instanceId)
  const labels = labelsOf(facts.instanceId, parts.installation)
  return {
    Name: name,
    Labels: labels,
    Mode: { Replicated: { Replicas: desired === 'running' ? 1 : 0 } },
    EndpointSpec: { Mode: 'dnsrr' },
    UpdateConfig: { Parallelism: 1, Order: 'stop-first' },
    TaskTemplate: {
      ContainerSpec: {
        Image: parts.image,
        Args: [SEED_FILE],
        Hostname: name,
        Labels: labels,
        ReadOnly: true,
        CapabilityDrop: ['ALL'],
        StopGracePeriod: STOP_NS,
        DNSConfig: { Options: ['ndots:1', 'timeout:1'], Search: ['.'] },
        Mounts: [
          volumeMount(volumeOptions(facts, parts.storage, parts.installation)),
          {
            Type: 'tmpfs',
            Source: '',
            Target: '/tmp',
            TmpfsOptions: { SizeBytes: TMP_MB * MB, Mode: 0o1777 },
          },
        ],
        Secrets: parts.secrets.map(({ id, name: secret, file }) => ({
          SecretID: id,
          SecretName: secret,
          File: { Name: file, UID: GUEST_USER, GID: GUEST_USER, Mode: 0o400 },
        })),
      },
      Resources: {
        Limits: {
          MemoryBytes: memoryLimitBytesOf(facts),
          NanoCPUs: facts.vcpus * NS_PER_CPU,
          Pids: PIDS_MAX,
        },
        Reservations: { MemoryBytes: memoryBytesOf(facts) },
      },
      RestartPolicy: { Condition: 'any', Delay: RESTART_DELAY_NS },
      Placement: { Constraints: [`node.id==${nodeId}`] },
      Networks: [{ Target: parts.network }],
      LogDriver: { Name: 'json-file', Options: { 'max-size': '4m', 'max-file': '2' } },
    },
  }
}

/** A secret's name: secrets cannot be changed, so other content is another secret. Of at most 64 characters, as Swarm wants it. */
export function secretName(owner: string, content: string): string {
  return `${owner}-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`
}
