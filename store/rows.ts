/* Rows as stored, and the one place where each becomes a domain value. JSON text is written by us; it is parsed, not trusted twice. */

import type { Instance } from '../domain/instance/instance.js'
import type { StoredObservation } from '../domain/instance/observation.js'
import { observationSchema } from '../domain/instance/observation.js'
import type { OperationKind, OperationRequests } from '../domain/operation/kinds/index.js'
import type { Operation, OperationState, OperationStep } from '../domain/operation/operation.js'
import type { Leadership, ReplicationSet, SetKind } from '../domain/replication/set.js'
import type { DatastoreVersion } from './store.js'

/** A row of `instances`, as stored. */
export interface InstanceRow {
  id: string
  project_id: string
  name: string
  set_id: string
  role: Instance['role']
  flavor_id: string
  volume_gb: number
  datastore_version_id: string
  availability_zone: string | null
  locality: string | null
  host: string | null
  port: number | null
  fault_message: string | null
  fault_created_at_ms: number | null
  fault_details: string | null
  operation_id: string | null
  created_at_ms: number
  updated_at_ms: number
  deleted_at_ms: number | null
}

/** A row of `replication_sets`, as stored. */
export interface SetRow {
  id: string
  project_id: string
  kind: SetKind
  leads_by: Leadership
  epoch: number
  sealed_credentials: string
  root_enabled_at_ms: number | null
}

/** A row of `operations`, as stored; JSON as text. */
export interface OperationRow {
  id: string
  kind: OperationKind
  project_id: string
  state: OperationState
  instance_id: string
  set_id: string
  epoch: number
  request: string
  plan: string | null
  result: string | null
  fault: string | null
  request_id: string
  asked_by: string | null
  attempt: number
  lease_owner: string | null
  lease_beat: number
  deadline_ms: number
  cancel_requested: boolean | number
  created_at_ms: number
  started_at_ms: number | null
  ended_at_ms: number | null
}

/** A row of `operation_steps`, as stored. */
export interface StepRow {
  operation_id: string
  seq: number
  name: string
  state: OperationStep['state']
  attempt: number
  started_at_ms: number
  ended_at_ms: number | null
  detail: string | null
}

/** A row of `observations`, as stored; JSON as text. */
export interface ObservationRow {
  instance_id: string
  boot_id: string
  seq: number
  received_at_ms: number
  observation: string
}

/** A row of `datastore_versions`, as stored. */
export interface DatastoreVersionRow {
  id: string
  datastore_id: string
  datastore: 'redis' | 'valkey'
  name: string
  version: string
  active: boolean | number
}

/** An instance out of its row. */
export function instanceFromRow(row: InstanceRow): Instance {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    setId: row.set_id,
    role: row.role,
    flavorId: row.flavor_id,
    volumeGb: row.volume_gb,
    datastoreVersionId: row.datastore_version_id,
    availabilityZone: row.availability_zone,
    locality: row.locality,
    endpoint: row.host !== null && row.port !== null ? { host: row.host, port: row.port } : null,
    fault:
      row.fault_message !== null
        ? {
            message: row.fault_message,
            createdAtMs: row.fault_created_at_ms ?? row.updated_at_ms,
            details: row.fault_details,
          }
        : null,
    operationId: row.operation_id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
  }
}

/** A replication set out of its row. */
export function setFromRow(row: SetRow): ReplicationSet {
  return {
    id: row.id,
    projectId: row.project_id,
    kind: row.kind,
    leadsBy: row.leads_by,
    epoch: row.epoch,
    sealedCredentials: row.sealed_credentials,
    rootEnabledAtMs: row.root_enabled_at_ms,
  }
}

/** An operation out of its row, with the database's time when it was read, and the ids of its members. */
export function operationFromRow(
  row: OperationRow & { readonly now_ms: number },
  memberIds: readonly string[],
): Operation {
  return {
    id: row.id,
    kind: row.kind,
    projectId: row.project_id,
    state: row.state,
    instanceId: row.instance_id,
    setId: row.set_id,
    memberIds,
    epoch: row.epoch,
    // Written by `open` from the same type.
    request: JSON.parse(row.request) as OperationRequests[OperationKind],
    plan: row.plan === null ? null : JSON.parse(row.plan),
    result: row.result === null ? null : JSON.parse(row.result),
    fault: row.fault,
    requestId: row.request_id,
    askedBy: row.asked_by,
    attempt: row.attempt,
    leaseOwner: row.lease_owner,
    leaseBeat: row.lease_beat,
    deadlineMs: row.deadline_ms,
    cancelRequested: Boolean(row.cancel_requested),
    createdAtMs: row.created_at_ms,
    ageMs: Math.max(0, row.now_ms - row.created_at_ms),
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
  }
}

/** A step out of its row. */
export function stepFromRow(row: StepRow): OperationStep {
  return {
    seq: row.seq,
    name: row.name,
    state: row.state,
    attempt: row.attempt,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    detail: row.detail,
  }
}

/** A report out of its row, as old as it is at `nowMs`; null when the text no longer fits what this release knows: the next report replaces it within a second. */
export function observationFromRow(row: ObservationRow, nowMs: number): StoredObservation | null {
  const { instance_id: id, boot_id: bootId, seq, received_at_ms: receivedAtMs } = row
  const known = parsedObservations.get(id)
  const ageMs = nowMs - receivedAtMs
  if (known?.bootId === bootId && known.seq === seq && known.receivedAtMs === receivedAtMs)
    return { ...known, ageMs }
  const parsed = observationSchema.safeParse(JSON.parse(row.observation))
  if (!parsed.success) return null
  const stored = { observation: parsed.data, bootId, seq, receivedAtMs }
  if (parsedObservations.size >= PARSED_MAX) parsedObservations.clear()
  parsedObservations.set(id, stored)
  return { ...stored, ageMs }
}

/** Checking a report costs more than reading it, and one report is looked at many times: the last one of each instance is kept. */
const parsedObservations = new Map<string, Omit<StoredObservation, 'ageMs'>>()
const PARSED_MAX = 20_000

/** A datastore version out of its row; `defaultId` is the id of the default one. */
export function datastoreVersionFromRow(
  row: DatastoreVersionRow,
  defaultId: string | null,
): DatastoreVersion {
  return {
    id: row.id,
    datastoreId: row.datastore_id,
    datastore: row.datastore,
    name: row.name,
    version: row.version,
    active: Boolean(row.active),
    isDefault: row.id === defaultId,
  }
}
