import { RedtroveError } from '../../common/errors.js'
import { asked, type Engine } from '../docker/engine.js'
import { INSTALLATION_LABEL } from '../docker/guest-container.js'

/**
 * Makes the installation's overlay network when it is not there, and answers with its name; applications join it to reach their
 * instances. One that somebody made before, encrypted for example, is used as it is. Fails with `bad_setting` when the engine is no manager.
 */
export async function ensureOverlay(engine: Engine, installation: string, prefix: string): Promise<string> {
  const info = await asked('say what it is', engine.info())
  if (!info?.Swarm?.ControlAvailable)
    throw new RedtroveError(
      'bad_setting',
      'Bad settings:\n  REDTROVE_DOCKER_HOST: its engine is no manager of a Swarm; make it one with docker swarm init',
    )
  const name = `redtrove-${installation}`
  const options = {
    Name: name,
    Driver: 'overlay',
    Attachable: true,
    CheckDuplicate: true,
    Labels: { [INSTALLATION_LABEL]: installation },
    IPAM: { Driver: 'default', Config: [{ Subnet: `${prefix}.0.0/16` }] },
  }
  const found = await asked('look at its networks', engine.getNetwork(name).inspect(), [404])
  // Somebody else may have made it meanwhile.
  if (!found) await asked(`make the network ${prefix}.0.0/16`, engine.createNetwork(options), [409])
  else if (found.Driver !== 'overlay')
    throw new RedtroveError(
      'conflict',
      `Docker's network ${name} is no overlay network; remove it, or set REDTROVE_INSTALLATION.`,
    )
  return name
}

/** The manager's own address in its Swarm, where tasks reach what runs on this machine. */
export async function addressInSwarm(engine: Engine): Promise<string> {
  const info = await asked('say where it is', engine.info())
  return info?.Swarm?.NodeAddr ?? '127.0.0.1'
}
