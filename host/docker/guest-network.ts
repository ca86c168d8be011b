import { RedtroveError } from '../../common/errors.js'
import { asked, type Engine } from './engine.js'
import { INSTALLATION_LABEL } from './guest-container.js'

/** A bridge network of an installation's own. `prefix`: first two numbers of its /16. */
export interface GuestNetwork {
  readonly name: string
  /** The machine's own address in it: guests reach the machine there. */
  readonly gateway: string
}

/** Makes the network when it is not there. Fails with `conflict` when one of that name has other addresses. */
export async function ensureNetwork(
  engine: Engine,
  installation: string,
  prefix: string,
): Promise<GuestNetwork> {
  const name = `redtrove-${installation}`
  const [subnet, gateway] = [`${prefix}.0.0/16`, `${prefix}.0.1`]
  const found = await asked('look at its networks', engine.getNetwork(name).inspect(), [404])
  if (!found) {
    const options = {
      Name: name,
      Driver: 'bridge',
      Labels: { [INSTALLATION_LABEL]: installation },
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: gateway }] },
    }
    // Somebody else may have made it meanwhile.
    await asked(`make the network ${subnet}`, engine.createNetwork(options), [409])
    return { name, gateway }
  }
  const has: string | undefined = found.IPAM?.Config?.[0]?.Subnet
  if (has === subnet) return { name, gateway }
  throw new RedtroveError(
    'conflict',
    `Docker's network ${name} has the addresses ${has}, not ${subnet}: set REDTROVE_DOCKER_NETWORK to what it has, or remove it.`,
  )
}
