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
 * for little. `ask` gives an answer for each question, in order; when it fails, all questions of its round fail.
 */
export function gathered<Q, A>(
  ask: (questions: readonly Q[]) => Promise<readonly A[]>,
): (question: Q) => Promise<A> {
  const waiting: Waiting<Q, A>[] = []
  let busy = false

  async function rounds(): Promise<void> {
    busy = true
    while (waiting.length > 0) {
      const round = waiting.splice(0, ROUND_MAX)
      try {
        const answers = await ask(round.map(({ question }) => question))
        // `ask` promises as many answers as questions.
        for (const [index, { resolve }] of round.entries()) resolve(answers[index] as A)
      } catch (error) {
        for (const { reject } of round) reject(error)
      }
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
