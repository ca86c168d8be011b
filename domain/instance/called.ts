import type { Instance, InstanceId } from './instance.js'

type Named = Pick<Instance, 'id' | 'name'>

/** An instance as sentences for people name it: `NAME (ID)`. Names may be shared, ids tell nobody anything. */
export function called({ name, id }: Named): string {
  return `${name} (${id})`
}

/** The sentence with `NAME (ID)` where it names one of `instances` by its bare id. */
export function withNames(sentence: string, instances: readonly Named[]): string {
  if (instances.length === 0) return sentence
  const byId = new Map<InstanceId, Named>(instances.map((one) => [one.id, one]))
  // In one pass, so that no name is looked into; an id in brackets has its name already.
  const bare = new RegExp(`(?<!\\()\\b(?:${[...byId.keys()].join('|')})\\b`, 'g')
  return sentence.replace(bare, (id) => {
    const found = byId.get(id)
    return found ? called(found) : id
  })
}
