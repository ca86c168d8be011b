/* What guests know and nobody else may: their seeds, one a guest and never changed, and the broker's address, one for all. */

import { guestNameOf } from '../../../domain/instance/guest-name.js'
import { withoutAccount } from '../../../wire/broker/account.js'
import { asked, type Engine } from '../../docker/engine.js'
import { INSTALLATION_LABEL, INSTANCE_LABEL, labelsOf } from '../../docker/guest-container.js'
import {
  AMQP_ADDRESS_FILE,
  AMQP_CA_FILE,
  AMQP_URL_FILE,
  type MountedSecret,
  SEED_FILE,
  secretName,
} from '../services/guest-service.js'

/** A seed to be, and whether it holds an account of the broker. */
export interface FreshSeed {
  readonly content: string
  readonly hasAccount: boolean
}

/** A seed that is there. */
export type FoundSeed = MountedSecret & Pick<FreshSeed, 'hasAccount'>

/** On seeds that hold an account of the broker. */
const ACCOUNT_LABEL = 'redtrove.broker-account'

/** Secrets of one installation. */
export interface GuestSecrets {
  /** The guest's seed: the one it was born with, else `fresh`, which becomes it. Null when there is neither. */
  seed(id: string, fresh: (() => FreshSeed) | null): Promise<FoundSeed | null>
  /** What guests have to know of the broker now: its address with and without an account, and whom to trust. A guest mounts one address. */
  broker(): Promise<readonly MountedSecret[]>
  /** Removes what guests were told of the broker before, except what `used` (ids, asked for when there is any) says that a service still has. */
  forgetOldBroker(used: () => Promise<ReadonlySet<string>>): Promise<void>
  forget(id: string): Promise<void>
  /** Ids of all guests that have one. */
  owners(): Promise<readonly string[]>
}

interface Found {
  readonly ID: string
  readonly Spec?: { readonly Name?: string; readonly Labels?: Readonly<Record<string, string>> }
}

/** What guests are told of the broker, asked for when it is needed; the address holds a password, an empty CA says that there is none. */
export interface BrokerFacts {
  readonly amqpUrl: () => string
  readonly amqpCa: () => string
}

/** Opens them. */
export function guestSecrets(engine: Engine, installation: string, facts: BrokerFacts): GuestSecrets {
  const ours = { label: [`${INSTALLATION_LABEL}=${installation}`] }

  async function list(labels: readonly string[]): Promise<readonly Found[]> {
    const filters = { label: [...ours.label, ...labels] }
    return ((await asked('list its secrets', engine.listSecrets({ filters }))) ?? []) as unknown as Found[]
  }

  async function idOf(name: string): Promise<string | null> {
    const looked = engine.getSecret(name).inspect() as Promise<unknown> as Promise<Found>
    return (await asked(`look at the secret ${name}`, looked, [404]))?.ID ?? null
  }

  /** Looked for first: it is there nearly always, and its content need not be sent each time. The name says the content. */
  async function make(
    name: string,
    labels: Readonly<Record<string, string>>,
    content: string,
  ): Promise<string> {
    const known = await idOf(name)
    if (known) return known
    const options = { Name: name, Labels: labels, Data: Buffer.from(content).toString('base64') }
    // Whoever made it meanwhile made the same.
    await asked(`keep the secret ${name}`, engine.createSecret(options), [409])
    return (await idOf(name)) ?? ''
  }

  /** What guests are told of the broker now; a name says its content. */
  function shared() {
    const named = (what: string, file: string, content: string) => ({
      name: secretName(`redtrove-${installation}-${what}`, content),
      file,
      content,
    })
    // Swarm wants at least a byte.
    const url = facts.amqpUrl()
    return [
      named('amqp', AMQP_URL_FILE, url),
      named('address', AMQP_ADDRESS_FILE, withoutAccount(url)),
      named('ca', AMQP_CA_FILE, facts.amqpCa() || '\n'),
    ]
  }

  return {
    seed: async (id, fresh) => {
      const [known] = await list([`${INSTANCE_LABEL}=${id}`])
      const hasAccount = known?.Spec?.Labels?.[ACCOUNT_LABEL] !== undefined
      if (known) return { id: known.ID, name: known.Spec?.Name ?? '', file: SEED_FILE, hasAccount }
      if (fresh === null) return null
      const seed = fresh()
      const name = secretName(guestNameOf(id), seed.content)
      const labels = { ...labelsOf(id, installation), ...(seed.hasAccount ? { [ACCOUNT_LABEL]: 'own' } : {}) }
      const made = await make(name, labels, seed.content)
      return { id: made, name, file: SEED_FILE, hasAccount: seed.hasAccount }
    },
    broker: async () => {
      const mounted: MountedSecret[] = []
      for (const { name, file, content } of shared())
        mounted.push({ id: await make(name, { [INSTALLATION_LABEL]: installation }, content), name, file })
      return mounted
    },
    forgetOldBroker: async (used) => {
      const current = shared().map(({ name }) => name)
      const isOld = ({ Spec: { Name: name = '', Labels: labels } = {} }: Found) =>
        name.startsWith(`redtrove-${installation}-`) && !labels?.[INSTANCE_LABEL] && !current.includes(name)
      const old = (await list([])).filter(isOld)
      const kept = old.length > 0 ? await used() : new Set()
      // One that is in use after all is looked at again.
      for (const { ID } of old.filter((one) => !kept.has(one.ID)))
        await asked('forget an old address of the broker', engine.getSecret(ID).remove(), [400, 404])
    },
    forget: async (id) => {
      for (const { ID } of await list([`${INSTANCE_LABEL}=${id}`]))
        await asked(`forget a secret of guest ${id}`, engine.getSecret(ID).remove(), [404])
    },
    owners: async () =>
      (await list([INSTANCE_LABEL])).flatMap(({ Spec }) => Spec?.Labels?.[INSTANCE_LABEL] ?? []),
  }
}
