import type { Operation, OperationStep } from '../../domain/operation/operation.js'
import type { components } from '../../wire/http/openapi.js'
import { dateOf, dateOrNull } from './date.js'

type OperationView = components['schemas']['Operation']

/** An operation; with `steps`, as its own page shows it. */
export function operationView(operation: Operation, steps?: readonly OperationStep[]): OperationView {
  return {
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    instance_id: operation.instanceId,
    members: [...operation.memberIds],
    epoch: operation.epoch,
    attempt: operation.attempt,
    request_id: operation.requestId,
    asked_by: operation.askedBy,
    created: dateOf(operation.createdAtMs),
    started: dateOrNull(operation.startedAtMs),
    ended: dateOrNull(operation.endedAtMs),
    duration_ms: duration(operation.createdAtMs, operation.endedAtMs),
    fault: operation.fault,
    result: operation.result,
    ...(steps ? { steps: steps.map(stepView) } : {}),
  }
}

function stepView(step: OperationStep) {
  return {
    name: step.name,
    state: step.state,
    attempt: step.attempt,
    started: dateOf(step.startedAtMs),
    ended: dateOrNull(step.endedAtMs),
    duration_ms: duration(step.startedAtMs, step.endedAtMs),
    detail: step.detail,
  }
}

function duration(fromMs: number, toMs: number | null): number | null {
  return toMs === null ? null : Math.max(0, toMs - fromMs)
}
