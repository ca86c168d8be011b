/* Networks of an engine that nobody needs any more. */
import type Docker from 'dockerode'

/**
 * Removes the networks with these labels; overlays are a Swarm's manager's. Docker 20.10 may count an endpoint of a container that is gone
 * until it is started anew (moby/moby issue 43286, seen once): a network that it keeps for that is named and left, since no container is
 * in it. May be repeated.
 */
export async function removeNetworks(docker: Docker, label: readonly string[]): Promise<void> {
  const filters = { label: [...label] }
  for (const { Id, Name, Driver } of await docker.listNetworks({ filters })) {
    if (Driver === 'overlay') continue
    const failure = await docker
      .getNetwork(Id)
      .remove()
      .then(() => null)
      .catch((error: unknown) => error as Error)
    if (!failure) continue
    const within = await docker.listContainers({ all: true, filters: { network: [Id] } })
    if (!/has active endpoints/.test(failure.message) || within.length > 0) throw failure
    console.log(`${Name} is kept by the engine, with no container in it: ${failure.message}`)
  }
}
