import type { Client, Instance } from './client.js'
import { CliError, EXIT } from './exit-codes.js'
import { firstRows } from './pages.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** As tables show ids. */
const SHORT_ID = /^[0-9a-f]{8}[0-9a-f-]*$/i

/** The instance of this name, id, or beginning of an id. Fails when there is none, or when several are meant. */
export async function resolveInstance(client: Client, wanted: string): Promise<Instance> {
  if (UUID.test(wanted)) return (await client.get<{ instance: Instance }>(`/instances/${wanted}`)).instance
  const all = await allInstances(client)
  const named = all.filter(({ name }) => name === wanted)
  const meant =
    named.length > 0 || !SHORT_ID.test(wanted) ? named : all.filter(({ id }) => id.startsWith(wanted))
  const [only, ...others] = meant
  if (!only) throw new CliError(EXIT.notFound, `No instance has the name or id ${wanted}.`)
  if (others.length > 0) {
    const which = named.length > 0 ? 'are called' : 'have an id that begins with'
    throw new CliError(
      EXIT.usage,
      `${meant.length} instances ${which} ${wanted}; name one by id: ${meant.map(({ id }) => id).join(', ')}`,
    )
  }
  return (await client.get<{ instance: Instance }>(`/instances/${only.id}`)).instance
}

/** Every instance of the project, page after page. */
export async function allInstances(client: Client): Promise<readonly Instance[]> {
  return (await firstRows<Instance>(client, '/instances', 'instances', Infinity)).rows
}
