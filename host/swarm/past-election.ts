import { type Clock, systemClock } from '../../common/clock.js'
import { isKind } from '../../common/errors.js'

/** Managers miss a lost leader after ten to twenty seconds; those who stand for it at the same moment once more, after as many. */
const ELECTION_MS_MAX = 45_000
const RETRY_MS = 500

/** Repeats an act that may be repeated while no manager answers for the Swarm, as when its leader was lost; then fails as it did last. */
export async function pastElection<T>(act: () => Promise<T>, clock: Clock = systemClock): Promise<T> {
  const deadlineMs = clock.monotonicMs() + ELECTION_MS_MAX
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isKind(error, 'unavailable') || clock.monotonicMs() >= deadlineMs) throw error
    }
    await clock.sleep(RETRY_MS)
  }
}
