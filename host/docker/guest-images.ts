import type { ImageInfo } from 'dockerode'
import { RedtroveError } from '../../common/errors.js'
import { type DatastoreOffer, datastoreOfferSchema } from '../../domain/datastore/offer.js'
import { asked, type Engine } from './engine.js'

/** Label of an image that scripts/images.mjs built: redis or valkey. */
export const DATASTORE_LABEL = 'redtrove.datastore'
/** And the full version of its server. */
export const VERSION_LABEL = 'redtrove.version'

/** An image of one datastore version. */
export interface GuestImage extends DatastoreOffer {
  readonly id: string
  /**
   * As other engines know it: with its digest when a registry has it, so that they can pull it, else its id, which is the same on
   * each engine that loaded it. A name alone would have every start of a Swarm's task ask the registry (10 s and more without one).
   */
  readonly reference: string
  readonly createdAtS: number
}

/** What the engine's guest images can run: one offer a version, the newest image of each. Fails with `unavailable` when there is none. */
export async function guestImages(engine: Engine): Promise<readonly GuestImage[]> {
  const filters = { label: [DATASTORE_LABEL, VERSION_LABEL] }
  const found = (await asked('list its images', engine.listImages({ filters }))) ?? []
  const images = found.flatMap((info) => imageOf(info) ?? [])
  images.sort((a, b) => b.createdAtS - a.createdAtS)
  const newest = new Map<string, GuestImage>()
  for (const image of images) {
    const key = `${image.datastore} ${image.name}`
    if (!newest.has(key)) newest.set(key, image)
  }
  if (newest.size > 0) return [...newest.values()]
  throw new RedtroveError(
    'unavailable',
    `Docker has no image with the labels ${DATASTORE_LABEL} and ${VERSION_LABEL}; build one with deploy/guest.Dockerfile.`,
  )
}

/** The image that runs `datastore` in `name`'s version. Fails with `unavailable` when there is none (any more). */
export async function imageFor(engine: Engine, datastore: string, name: string): Promise<GuestImage> {
  const found = (await guestImages(engine)).find(
    (image) => image.datastore === datastore && image.name === name,
  )
  if (found) return found
  throw new RedtroveError(
    'unavailable',
    `Docker has no guest image for ${datastore} ${name}; build one with deploy/guest.Dockerfile.`,
  )
}

function imageOf({ Id, Created, Labels, RepoDigests }: ImageInfo): GuestImage | null {
  const version = Labels?.[VERSION_LABEL] ?? ''
  const name = /^\d+\.\d+/.exec(version)?.[0]
  const offer = datastoreOfferSchema.safeParse({ datastore: Labels?.[DATASTORE_LABEL], name, version })
  const reference = RepoDigests?.find((one) => !one.startsWith('<none>')) ?? Id
  return offer.success ? { ...offer.data, id: Id, reference, createdAtS: Created } : null
}
