/**
 * What containers, services and volumes of an instance are called. As a host name it has one label, which Docker's resolver answers
 * for services of a Swarm.
 */
export function guestNameOf(instanceId: string): string {
  return `redtrove-${instanceId}`
}
