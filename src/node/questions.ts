import type { Messenger } from '../../cluster/types.js'
import type { Timers } from '../base/clock.js'

/** Why there is no answer: too much is asked here; its streams are down; nothing came in time. */
export type NoAnswer = 'busy' | 'unreachable' | 'silent'

export interface QuestionsOptions<Q, A> {
  messenger: Messenger
  timers: Timers
  /** Of message-kinds.ts. */
  kinds: { question: number; answer: number }
  /** From a question to its answer. */
  answerMs: number
  /** Questions of this node that wait for an answer. */
  askedMax: number
  /** Questions of other nodes that are under way here; more are not heard. */
  servedMax: number
  /** Never rejects. `question` is what a peer sent: any JSON. */
  serve(question: Q): Promise<A>
}

/** Asks other nodes and answers them, in unlogged messages of JSON, which may get lost. */
export class Questions<Q extends object, A extends object> {
  private readonly options: QuestionsOptions<Q, A>
  private readonly waiting: Map<number, (answer: A | NoAnswer) => void> = new Map()
  private asked = 0
  private served = 0

  constructor(options: QuestionsOptions<Q, A>) {
    this.options = options
    const { messenger, kinds } = options
    messenger.onMessage(kinds.question, (from, body) => this.onQuestion(from, body))
    messenger.onMessage(kinds.answer, (_, body) => this.onAnswer(body))
  }

  ask(to: number, question: Q): Promise<A | NoAnswer> {
    const { messenger, timers, kinds, answerMs, askedMax } = this.options
    if (this.waiting.size >= askedMax) return Promise.resolve('busy')
    const number = ++this.asked
    return new Promise(resolve => {
      const settle = (answer: A | NoAnswer): void => {
        cancel()
        this.waiting.delete(number)
        resolve(answer)
      }
      const cancel = timers.after(answerMs, () => settle('silent'))
      this.waiting.set(number, settle)
      if (!messenger.send(to, kinds.question, encode({ number, request: question })))
        settle('unreachable')
    })
  }

  private onQuestion(from: number, body: Buffer): void {
    const asked = parsed(body) as { number?: unknown; request?: Q } | undefined
    if (typeof asked?.number !== 'number' || !isObject(asked.request)) return
    const { messenger, kinds, servedMax } = this.options
    if (this.served >= servedMax) return
    this.served++
    void this.options.serve(asked.request).then(answer => {
      this.served--
      messenger.send(from, kinds.answer, encode({ number: asked.number, answer }))
    })
  }

  private onAnswer(body: Buffer): void {
    const told = parsed(body) as { number?: unknown; answer?: A } | undefined
    if (typeof told?.number !== 'number' || !isObject(told.answer)) return
    this.waiting.get(told.number)?.(told.answer)
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const encode = (value: object): Buffer => Buffer.from(JSON.stringify(value))

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
