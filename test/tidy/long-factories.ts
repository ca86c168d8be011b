/*
 * Factories whose whole text, closures and all, is longer than a function may be. They are lives with states that are held in variables; each is to
 * become a pure table of its states and a small keeper, as `guestagent/role/keeper.ts` was. The list gets shorter: a factory that
 * grows, and a new one, are refused.
 */
export const LONG_FACTORIES: Readonly<Record<string, number>> = {
  'guestagent/agent.ts': 92,
  'guestagent/observe/heartbeat.ts': 85,
  'guestagent/observe/observer.ts': 101,
  'guestagent/redis/admin.ts': 89,
  'guestagent/role/acts.ts': 104,
  'guestagent/server/process.ts': 73,
  'guestagent/server/server.ts': 178,
  'host/docker/docker-host.ts': 173,
  'host/process/agent-keeper.ts': 79,
  'host/process/process-host.ts': 105,
  'host/swarm/records/guest-secrets.ts': 79,
  'host/swarm/services/guest-services.ts': 89,
  'host/swarm/swarm-host.ts': 184,
  'store/instances/instances.ts': 71,
  'supervisor/child.ts': 97,
  'wire/agent/caller.ts': 79,
  'wire/agent/messaging.ts': 150,
  'wire/broker/calls.ts': 89,
  'wire/broker/session.ts': 156,
  'wire/control/consume.ts': 100,
  'wire/control/messaging.ts': 75,
}
