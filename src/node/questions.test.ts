import t from 'tap'
import type { Messenger } from '../../cluster/types.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { Questions, type NoAnswer } from './questions.js'

interface Word {
  word: string
}

/** Two nodes; those that are asked answer when a test says so. */
function pair(bounds: { askedMax: number; servedMax: number }) {
  const time = new VirtualTime()
  const handlers = new Map<string, (from: number, body: Buffer) => void>()
  const served: ((answer: Word) => void)[] = []
  const messenger = (node: number): Messenger => ({
    send: (to, kind, body) => {
      time.soon(() => handlers.get(`${to} ${kind}`)?.(node, body))
      return true
    },
    onMessage: (kind, handler) => void handlers.set(`${node} ${kind}`, handler),
  })
  const at = (node: number): Questions<Word, Word> =>
    new Questions({
      messenger: messenger(node),
      timers: time,
      kinds: { question: 1, answer: 2 },
      answerMs: 1000,
      ...bounds,
      serve: () => new Promise(resolve => served.push(resolve)),
    })
  const asking = at(1)
  at(2)
  const answers: (string | undefined)[] = []
  const ask = (): void => {
    const place = answers.push(undefined) - 1
    const note = (answer: Word | NoAnswer): void => {
      answers[place] = typeof answer === 'string' ? answer : answer.word
    }
    void asking.ask(2, { word: 'well?' }).then(note)
  }
  return { time, served, answers, ask }
}

void t.test('who waits for as many answers as may be is busy, until one has come', async t => {
  const { time, served, answers, ask } = pair({ askedMax: 3, servedMax: 100 })
  for (let i = 0; i < 4; i++) ask()
  await time.advanceAsync(10)
  t.same(answers, [undefined, undefined, undefined, 'busy'])
  t.equal(served.length, 3)
  served[0]!({ word: 'yes' })
  await time.advanceAsync(10)
  ask()
  ask()
  await time.advanceAsync(10)
  t.same(answers, ['yes', undefined, undefined, 'busy', undefined, 'busy'])
  await time.advanceAsync(1000)
  t.same(answers.filter(answer => answer === 'silent').length, 3)
  ask()
  await time.advanceAsync(10)
  t.equal(answers.at(-1), undefined, 'those that had no answer count no more')
})

void t.test('what is beyond what a node serves at once is not heard', async t => {
  const { time, served, answers, ask } = pair({ askedMax: 100, servedMax: 2 })
  for (let i = 0; i < 3; i++) ask()
  await time.advanceAsync(10)
  t.equal(served.length, 2)
  for (const answer of served) answer({ word: 'yes' })
  await time.advanceAsync(10)
  ask()
  await time.advanceAsync(10)
  t.equal(served.length, 3, 'there is room again')
  await time.advanceAsync(1000)
  t.same(answers, ['yes', 'yes', 'silent', 'silent'])
})
