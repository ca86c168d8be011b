/* A guest's service as managers show it; pure. */
import { z } from 'zod'
import { INSTANCE_LABEL } from '../../docker/guest-container.js'
import type { SwarmRecord } from '../records/guest-records.js'
import type { MountedSecret } from './guest-service.js'

const secretSchema = z.looseObject({ SecretID: z.string(), File: z.looseObject({ Name: z.string() }) })

/** What is looked at; all else is kept as it was found. */
export const foundServiceSchema = z.object({
  Version: z.object({ Index: z.int() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: z.record(z.string(), z.string()),
    Mode: z.looseObject({ Replicated: z.object({ Replicas: z.int().nullish() }).nullish() }),
    TaskTemplate: z.looseObject({
      ContainerSpec: z.looseObject({ Secrets: z.array(secretSchema).nullish() }),
      Placement: z.looseObject({ Constraints: z.array(z.string()).nullish() }).nullish(),
    }),
  }),
})
export type FoundService = z.output<typeof foundServiceSchema>

/** How many tasks it wants; Swarm leaves a zero out. */
export function replicasOf({ Spec }: FoundService): number {
  return Spec.Mode.Replicated?.Replicas ?? 0
}

/** The instance that it is of. */
export function ownerOf({ Spec }: FoundService): string {
  return Spec.Labels[INSTANCE_LABEL] ?? ''
}

/** Ids of what it mounts. */
export function secretsOf({ Spec }: FoundService): readonly string[] {
  return (Spec.TaskTemplate.ContainerSpec.Secrets ?? []).map(({ SecretID }) => SecretID)
}

/** Id of the node that it may run on. */
export function pinnedTo({ Spec }: FoundService): string | null {
  return Spec.TaskTemplate.Placement?.Constraints?.[0]?.split('==')[1] ?? null
}

/**
 * Whether a service does what is wanted of its guest: it runs, with the broker's present address and CA as far as they are mounted, or it does not. A newer image or other
 * settings are no reason to restart what runs; they come with the next start.
 */
export function isAsWanted(
  found: FoundService,
  record: SwarmRecord | null,
  broker: readonly MountedSecret[],
): boolean {
  if (record?.desired !== 'running') return replicasOf(found) === 0
  const isCurrent = ({ file, id }: MountedSecret) => [undefined, id].includes(secretAt(found, file)?.SecretID)
  return replicasOf(found) === 1 && broker.every(isCurrent)
}

/** The same service with as many tasks as its guest may have (none without a record), and the broker's present address and CA. */
export function adapted(
  found: FoundService,
  record: SwarmRecord | null,
  broker: readonly MountedSecret[],
): FoundService['Spec'] {
  const { Spec } = found
  const template = Spec.TaskTemplate
  const running = record?.desired === 'running'
  const secrets = template.ContainerSpec.Secrets?.map((one) => {
    const now = running ? broker.find(({ file }) => file === one.File.Name) : undefined
    return now ? { ...one, SecretID: now.id, SecretName: now.name } : one
  })
  return {
    ...Spec,
    Mode: { Replicated: { Replicas: running ? 1 : 0 } },
    TaskTemplate: { ...template, ContainerSpec: { ...template.ContainerSpec, Secrets: secrets } },
  }
}

function secretAt({ Spec }: FoundService, file: string) {
  return Spec.TaskTemplate.ContainerSpec.Secrets?.find(({ File }) => File.Name === file)
}
