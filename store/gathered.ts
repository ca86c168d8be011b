import { isKind } from '../common/errors.js'

/** Questions a round: few enough that answers of one round are written while the next one is read. */
const ROUND_MAX = 12

interface Waiting<Q, A> {
  readonly question: Q
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
}

/**
 * Answers questions that come at the same time together. A round begins after the one before it has ended, and takes all that was
 * asked until then: no answer is older than its question, and a database under load is asked seldom for much instead of often
 * for little. `ask` gives an answer for each question, in order. When a round fails its questions are asked one by one, so that a
 * question which cannot be answered fails for itself alone; a database that is away fails them all at once.
 */
export function gathered<Q, A>(
  ask: (questions: readonly Q[]) => Promise<readonly A[]>,
): (question: Q) => Promise<A> {
  const waiting: Waiting<Q, A>[] = []
  let busy = false

  async function answer(round: readonly Waiting<Q, A>[]): Promise<void> {
    const answers = await ask(round.map(({ question }) => question))
    // `ask` promises as many answers as questions.
    for (const [index, { resolve }] of round.entries()) resolve(answers[index] as A)
  }

  async function apart(round: readonly Waiting<Q, A>[], why: unknown): Promise<void> {
    // Each of a dozen questions would wait for the same dead database, one after the other.
    for (const alone of round) {
      if (round.length === 1 || isKind(why, 'unavailable')) alone.reject(why)
      else await answer([alone]).catch(alone.reject)
    }
  }

  async function rounds(): Promise<void> {
    busy = true
    while (waiting.length > 0) {
      const round = waiting.splice(0, ROUND_MAX)
      await answer(round).catch((error: unknown) => apart(round, error))
    }
    busy = false
  }

  return (question) =>
    new Promise<A>((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (!busy) {
        busy = true
        // After this turn's input: what has arrived together is asked together.
        setImmediate(() => void rounds())
      }
    })
}
