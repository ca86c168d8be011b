/* A taskmanager over a world, whose calls can be made to fail, to hang, or to be its last. */
import type { Clock } from '../../common/clock.js'
import { createLogger } from '../../common/log.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { Lease, Store } from '../../store/store.js'
import { type RunnerParts, runOperation } from '../../taskmanager/engine/run-operation.js'
import type { Timings } from '../../taskmanager/engine/timings.js'
import { workflowOf } from '../../taskmanager/workflows/index.js'
import type { Gate } from './gate.js'
import { KEYS, type World } from './world.js'

export const TIMINGS: Timings = {
  leaseMs: 3_000,
  sweepMs: 500,
  reportAgeMsMax: 6_000,
  promotePauseMs: 2_000,
  promoteReadyMs: 10_000,
  replicaSyncMsMax: 60_000,
  lookMs: 2_000,
  silentLookMs: 250,
  assumeMs: 5_000,
  patienceMs: 10_000,
  bootMs: 60_000,
  linkMs: 5_000,
  stopMs: 3_000,
  commitMsMax: 60_000,
}

/** Decides what happens at each outgoing call; `act` is the call's own effect. */
export type OnCall = <T>(
  call: { readonly index: number; readonly name: string },
  act: () => Promise<T>,
) => Promise<T>

export interface FakeTaskmanager {
  readonly calls: readonly string[]
  /** Takes the operation if it may and carries it as far as it gets. */
  run(id: string): Promise<void>
}

/** Changes of rows that are counted and can be made to fail; anything else of the store only hangs with a dead process. */
const COUNTED = ['savePlan', 'change', 'close']

/** A process: whatever it does passes `alive`, which never returns once it is dead and waits while it is frozen. */
export class Life {
  private halted: Promise<void> | null = null
  private wakeUp: () => void = () => {}
  private readonly clock: World['clock']

  constructor({ clock }: World) {
    this.clock = clock
  }

  /** Nothing of it moves until `wake`. */
  freeze(): void {
    this.halted = new Promise((resolve) => {
      this.wakeUp = resolve
    })
  }

  die(): void {
    this.halted = new Promise(() => {})
  }

  wake(): void {
    this.halted = null
    this.wakeUp()
  }

  async alive(): Promise<void> {
    const { halted } = this
    if (halted) await this.clock.idle(() => halted)
  }
}

export function taskmanager(
  world: World,
  owner: string,
  onCall: OnCall = pass,
  life = new Life(world),
  clock: Clock = world.clock,
): FakeTaskmanager {
  const calls: string[] = []
  const gate: Gate = (name, act) =>
    world.outgoing(name, async () => {
      await life.alive()
      const index = calls.push(name) - 1
      try {
        return await onCall({ index, name }, act)
      } finally {
        await life.alive()
      }
    })
  const store = gatedStore(world, gate, life)
  const parts: RunnerParts = {
    store,
    messaging: {
      guest: (id) => world.client(id, gate),
      declareGuest: (id) =>
        gate('declareGuest', async () => {
          world.requireBroker()
          world.queues.add(id)
          return null
        }),
      removeGuest: (id) =>
        gate('removeGuest', async () => {
          world.requireBroker()
          world.queues.delete(id)
        }),
    },
    compute: world.compute(gate),
    keyRing: KEYS,
    timings: TIMINGS,
    clock,
    log: createLogger('test', process.env.REDTROVE_LOG_LEVEL ?? 'silent'),
    failpoint: () => {},
    workflowOf,
  }
  return {
    calls,
    async run(id) {
      const operation: Operation | null = await world.clock.busy(async () => {
        const seen = await world.store.operations.find(null, id)
        return world.store.operations.takeLease(id, owner, seen)
      })
      if (!operation) return
      const lease: Lease = { operationId: id, owner, attempt: operation.attempt }
      await runOperation(operation, lease, parts)
    },
  }
}

/** Does what it is asked. */
export const pass: OnCall = (_call, act) => act()

function gatedStore(world: World, gate: Gate, life: Life): Store {
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        const call = (...args: unknown[]) => method.apply(target, args) as Promise<unknown>
        if (COUNTED.includes(String(name)))
          return (...args: unknown[]) => gate(String(name), () => call(...args))
        return (...args: unknown[]) =>
          world.clock.busy(async () => {
            await life.alive()
            return call(...args)
          })
      },
    })
  const { operations, instances, sets, observations } = world.store
  return {
    ...world.store,
    operations: wrap(operations),
    instances: wrap(instances),
    sets: wrap(sets),
    observations: wrap(observations),
  }
}
