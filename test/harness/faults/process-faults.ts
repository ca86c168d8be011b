/* Processes that die or stand still. */
import { type Fault, type Injected, nothingToHeal, replicaOf, type Scene, signal, sourceOf } from './fault.js'

const kill = (what: string, pids: (scene: Scene) => Promise<readonly number[]>) => async (scene: Scene) => {
  const found = await pids(scene)
  return { what: `${what}: killed ${signal(found, 'SIGKILL')}`, heal: nothingToHeal }
}

const freeze =
  (what: string, pids: (scene: Scene) => Promise<readonly number[]>) =>
  async (scene: Scene): Promise<Injected> => {
    const found = await pids(scene)
    return {
      what: `${what}: stopped ${signal(found, 'SIGSTOP')}`,
      heal: async () => {
        signal(found, 'SIGCONT')
      },
    }
  }

const oneTaskmanager = async ({ stage, random }: Scene) => {
  stage.haveSecondTaskmanager()
  const pids = stage.taskmanagers()
  return pids.length > 0 ? [random.pick(pids)] : []
}
const allTaskmanagers = async ({ stage }: Scene) => stage.taskmanagers()
const agentOfSource = async (scene: Scene) => [scene.set.pids(await sourceOf(scene)).agent]
const agentOfReplica = async (scene: Scene) => [scene.set.pids(await replicaOf(scene)).agent]
const serverOfSource = async (scene: Scene) => [scene.set.pids(await sourceOf(scene)).server]
const serverOfReplica = async (scene: Scene) => [scene.set.pids(await replicaOf(scene)).server]
const allOfSource = async (scene: Scene) => Object.values(scene.set.pids(await sourceOf(scene)))
const allOfReplica = async (scene: Scene) => Object.values(scene.set.pids(await replicaOf(scene)))

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'all taskmanagers killed',
    row: 1,
    inject: async (scene) => {
      const done = await kill('taskmanagers', allTaskmanagers)(scene)
      scene.stage.haveSecondTaskmanager()
      return done
    },
  },
  { name: 'a taskmanager frozen', row: 2, inject: freeze('a taskmanager', oneTaskmanager) },
  { name: 'all taskmanagers frozen', row: 2, inject: freeze('all taskmanagers', allTaskmanagers) },
  { name: "the source's agent killed", row: 3, inject: kill("the source's agent", agentOfSource) },
  { name: "a replica's agent killed", row: 3, inject: kill("a replica's agent", agentOfReplica) },
  { name: "the source's redis-server killed", row: 4, inject: kill("the source's server", serverOfSource) },
  { name: 'the source frozen', row: 5, inject: freeze('the source', allOfSource) },
  { name: "the source's agent frozen", row: 5, inject: freeze("the source's agent", agentOfSource) },
  { name: "a replica's redis-server killed", row: 6, inject: kill("a replica's server", serverOfReplica) },
  { name: 'a replica killed', row: 6, inject: kill('a replica', allOfReplica) },
  { name: 'a replica frozen', row: 6, inject: freeze('a replica', allOfReplica) },
  {
    name: 'the API killed',
    row: 1,
    inject: kill('the API', async ({ stage }) => [stage.stack.partPid('api')]),
  },
]
