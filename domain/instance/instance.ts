import type { Endpoint } from './endpoint.js'

/** An instance's id: a UUID4 string, the same in the API, the database, the queue's name and the guest's folder. */
export type InstanceId = string
export type ReplicationSetId = string

/**
 * What an instance is meant to be. `ejected`: it was the source, was fenced, and may never take a write again;
 * its data is kept until it is deleted.
 */
export const MEMBER_ROLES = ['source', 'replica', 'ejected'] as const
export type MemberRole = (typeof MEMBER_ROLES)[number]

/** Why an instance is in ERROR, as users see it. `details` is for admins. */
export interface Fault {
  readonly message: string
  readonly createdAtMs: number
  readonly details: string | null
}

/** A managed redis-server as the control plane wants it: desired facts only, nothing observed. */
export interface Instance {
  readonly id: InstanceId
  readonly projectId: string
  readonly name: string
  /** Every instance belongs to exactly one set; a stand-alone instance is a set of one. */
  readonly setId: ReplicationSetId
  readonly role: MemberRole
  readonly flavorId: string
  readonly volumeGb: number
  readonly datastoreVersionId: string
  readonly availabilityZone: string | null
  readonly locality: string | null
  /** null until the provider has given it an address. */
  readonly endpoint: Endpoint | null
  readonly fault: Fault | null
  /** The open operation that holds this instance; null when it is at rest. */
  readonly operationId: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly deletedAtMs: number | null
}
