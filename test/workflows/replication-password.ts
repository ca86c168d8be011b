import { expect } from 'vitest'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import { openCredentials } from '../../store/sealed-credentials.js'
import { KEYS, type World } from './world.js'

/** A set's accounts as its row has them. */
export async function credentialsOf(world: World, setId: string): Promise<Credentials> {
  return openCredentials(KEYS, (await world.store.sets.find(setId)).sealedCredentials)
}

/** Everybody that answers has the row's password for links, and none besides; `ids`: of these guests alone. */
export function expectOneReplicationPassword(
  world: World,
  { replication }: Credentials,
  ids: readonly InstanceId[] = [...world.guests.keys()],
): void {
  for (const id of ids) {
    const { credentials } = world.guest(id)
    expect([credentials.replication, credentials.replicationBefore], id).toEqual([replication, undefined])
  }
}
