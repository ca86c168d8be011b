/* What a guest is to Docker; pure. */
import type { ContainerCreateOptions } from 'dockerode'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import { dataMbOf, memoryBudget } from '../../domain/instance/memory-budget.js'
import type { GuestSpec } from '../../wire/host/guest.js'

/** Label of everything that belongs to one installation, which is a state directory. */
export const INSTALLATION_LABEL = 'redtrove.installation'
/** Label of what belongs to one guest: its id. */
export const INSTANCE_LABEL = 'redtrove.instance'
/** Label of a volume that nobody asked for: the engine made it with a container, for the guest's own had been removed. */
const UNASKED_LABEL = 'redtrove.unasked'

/** Memory of a whole guest that nobody copies from: what is set aside for it. Bytes. */
export function memoryBytesOf({ ramMb }: Pick<GuestSpec, 'ramMb'>): number {
  return (ramMb + BESIDE_DATA_MB) * MB
}

/** Memory that a whole guest may take: a fork of its redis-server may have copied all data. Bytes. */
export function memoryLimitBytesOf({ ramMb }: Pick<GuestSpec, 'ramMb'>): number {
  return memoryBudget(dataMbOf(ramMb) * MB).guestBytes
}

/** Where the guest's volume is inside its container. Everything that the agent and redis-server write lies there. */
export const GUEST_DIR = '/guest'
/** What the agent is told at its start; holds secrets, 0600. */
export const SEED_FILE = `${GUEST_DIR}/seed.json`
/** The broker's address with its password, 0600. */
export const AMQP_URL_FILE = `${GUEST_DIR}/amqp-url`
/** The CA of the broker's certificate; empty when none was named. */
export const AMQP_CA_FILE = `${GUEST_DIR}/amqp-ca.pem`

/** The agent beside redis-server, and what clients' connections take beyond the flavor's own RAM. */
const BESIDE_DATA_MB = 160
const MB = 1024 * 1024
/** Of /tmp. */
export const TMP_MB = 16
/** Processes and threads of a guest. */
export const PIDS_MAX = 256
const STOP_SECONDS = 12

/** Which image, which network, whose. */
export interface Placement {
  readonly image: string
  readonly network: string
  readonly installation: string
}

/**
 * A container that can write to its volume alone, as a user without rights, with the address that the instance keeps. Docker starts
 * it again when it ends by itself or with the engine, not when it was killed (a fence).
 */
export function containerOptions(
  spec: GuestSpec,
  { image, network, installation }: Placement,
): ContainerCreateOptions {
  const name = guestNameOf(spec.instanceId)
  const labels = labelsOf(spec.instanceId, installation)
  return {
    name,
    Image: image,
    Cmd: [SEED_FILE],
    Labels: labels,
    StopTimeout: STOP_SECONDS,
    HostConfig: {
      Mounts: [
        // Only a volume that is not there is made of this, and none that was there before has its label.
        volumeMount({
          Name: name,
          Labels: { ...labels, [UNASKED_LABEL]: 'true' },
          Driver: '',
          DriverOpts: {},
        }),
      ],
      Memory: memoryLimitBytesOf(spec),
      MemorySwap: memoryLimitBytesOf(spec),
      MemoryReservation: memoryBytesOf(spec),
      NanoCpus: spec.vcpus * 1_000_000_000,
      PidsLimit: PIDS_MAX,
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': `rw,noexec,nosuid,size=${TMP_MB}m` },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      RestartPolicy: { Name: 'unless-stopped' },
      NetworkMode: network,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '4m', 'max-file': '2' } },
    },
    NetworkingConfig: {
      EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: spec.endpoint.host } } },
    },
  }
}

/** What volumes are made of: a volume driver of the engine, and options of that driver. */
export interface Storage {
  readonly driver: string
  /** `{gb}` in a value stands for the size that was asked for. */
  readonly options: Readonly<Record<string, string>>
}

/** As Docker's API names it. */
export interface GuestVolume {
  readonly Name: string
  readonly Labels: Record<string, string>
  readonly Driver: string
  readonly DriverOpts: Record<string, string>
}

/** A guest's volume, with its size where the driver's options have a place for it. */
export function volumeOptions(
  spec: Pick<GuestSpec, 'instanceId' | 'volumeGb'>,
  { driver, options }: Storage,
  installation: string,
): GuestVolume {
  const filled = Object.entries(options).map(([name, value]) => [
    name,
    value.replaceAll('{gb}', String(spec.volumeGb)),
  ])
  return {
    Name: guestNameOf(spec.instanceId),
    Labels: labelsOf(spec.instanceId, installation),
    Driver: driver,
    DriverOpts: Object.fromEntries(filled),
  }
}

/** Where a guest finds its volume, and what the engine makes when there is none; one that is there keeps its own labels and driver. */
export function volumeMount({ Name, Labels, Driver, DriverOpts }: GuestVolume) {
  return {
    Type: 'volume' as const,
    Source: Name,
    Target: GUEST_DIR,
    VolumeOptions: { NoCopy: false, Labels, DriverConfig: { Name: Driver, Options: DriverOpts } },
  }
}

/** Whether a volume has these labels because a container was made without one. */
export function isUnasked(labels: Readonly<Record<string, string>> | null): boolean {
  return labels?.[UNASKED_LABEL] !== undefined
}

/** Labels of a guest's container and volume. */
export function labelsOf(instanceId: string, installation: string): Record<string, string> {
  return { [INSTALLATION_LABEL]: installation, [INSTANCE_LABEL]: instanceId }
}
