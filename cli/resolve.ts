import type { Client, Instance } from './client.js'
import { CliError, EXIT } from './exit-codes.js'
import { firstRows } from './pages.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The instance of this id or name. Fails when there is none, or when several have the name. */
export async function resolveInstance(client: Client, idOrName: string): Promise<Instance> {
  if (UUID.test(idOrName))
    return (await client.get<{ instance: Instance }>(`/instances/${idOrName}`)).instance
  const named = (await allInstances(client)).filter(({ name }) => name === idOrName)
  const [only, ...others] = named
  if (!only) throw new CliError(EXIT.notFound, `No instance has the name or id ${idOrName}.`)
  if (others.length > 0) {
    throw new CliError(
      EXIT.usage,
      `${named.length} instances are called ${idOrName}; name one by id: ${named.map(({ id }) => id).join(', ')}`,
    )
  }
  return (await client.get<{ instance: Instance }>(`/instances/${only.id}`)).instance
}

/** Every instance of the project, page after page. */
export async function allInstances(client: Client): Promise<readonly Instance[]> {
  return (await firstRows<Instance>(client, '/instances', 'instances', Infinity)).rows
}
