import { expect, test } from 'vitest'
import { RedtroveError } from '../../../common/errors.js'
import { gathered } from '../../../store/gathered.js'

test('questions of one moment are one round, and each gets its own answer', async () => {
  const rounds: (readonly number[])[] = []
  const ask = gathered(async (questions: readonly number[]) => {
    rounds.push(questions)
    return questions.map((question) => question * 2)
  })
  expect(await Promise.all([1, 2, 3].map(ask))).toEqual([2, 4, 6])
  expect(rounds).toEqual([[1, 2, 3]])
})

test('no answer is older than its question: what is asked during a round is in the next one', async () => {
  let stored = 'old'
  let release: () => void = () => undefined
  let asked = 0
  const ask = gathered(async (questions: readonly string[]) => {
    const seen = stored
    asked += 1
    if (asked === 1) await new Promise<void>((resolve) => (release = resolve))
    return questions.map(() => seen)
  })
  const before = ask('a')
  await expect.poll(() => asked).toBe(1)
  stored = 'new'
  const after = ask('b')
  release()
  expect([await before, await after]).toEqual(['old', 'new'])
})

test('a round that fails fails its own questions alone', async () => {
  const ask = gathered(async (questions: readonly string[]) => {
    if (questions.includes('bad')) throw new Error('no')
    return questions
  })
  await expect(ask('bad')).rejects.toThrow('no')
  expect(await ask('good')).toBe('good')
})

test('a question that cannot be answered fails alone, and the others of its round are answered', async () => {
  const rounds: (readonly string[])[] = []
  const ask = gathered(async (questions: readonly string[]) => {
    rounds.push(questions)
    if (questions.includes('bad')) throw new Error('no')
    return questions.map((question) => `${question}!`)
  })
  const answers = await Promise.allSettled(['one', 'bad', 'two'].map(ask))
  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed'))).toEqual([
    'one!',
    'failed',
    'two!',
  ])
  expect(rounds).toEqual([['one', 'bad', 'two'], ['one'], ['bad'], ['two']])
})

test('a database that is away is asked once a round, and the whole round hears of it', async () => {
  let asked = 0
  const ask = gathered(async (): Promise<string[]> => {
    asked += 1
    throw new RedtroveError('unavailable', 'away')
  })
  const answers = await Promise.allSettled(['one', 'two', 'three'].map(ask))
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(asked).toBe(1)
})
