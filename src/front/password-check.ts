import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '../base/random.js'
import type { Account } from '../policy/settings.js'
import type { PasswordPort } from './ports.js'

/** right, wrong; busy: too many wait; dropped: `wanted` said no before its turn came. */
export type PasswordVerdict = 'right' | 'wrong' | 'busy' | 'dropped'

export interface PasswordQuestion {
  /** Number of the account, or 0 where there is none of that name: such questions share one lane. */
  account: number
  /** undefined where there is no account: it costs what a wrong password costs. */
  secret: Account['password'] | undefined
  password: string
  /** Asked before the hash is made: false where the socket has closed. */
  wanted(): boolean
  answer(verdict: PasswordVerdict): void
}

/** Questions that may wait, and of one account: a flood on one of them leaves room for the others. */
const WAITING_MAX = 2000
const LANE_MAX = 500

/** What nobody's password hashes to; checked where there is no account. */
const NOBODY =
  '$argon2id$v=19$m=19456,t=2,p=1$NEi09D81IJyANrxfvdeXyA$jWsJjeWzDhuQR+7bBF0H2DoJ/mj/RcrQEE7y8kqDUcI'

/**
 * Checks passwords, one slow hash at a time, for libuv's threads are LevelDB's too (DESIGN §3). Accounts
 * take turns. A password that was right once is known by its HMAC under a key of this process, as long
 * as the account's secret stays the same: then neither rebinds nor wrong guesses cost a hash.
 */
export class PasswordCheck {
  private readonly port: PasswordPort
  private readonly key: Buffer
  private readonly known: Map<number, { hash: string; mac: Buffer }> = new Map()
  /** By account; the order of the map is the order of turns. */
  private readonly lanes: Map<number, PasswordQuestion[]> = new Map()
  private waiting = 0
  private hashing = false

  constructor(port: PasswordPort, random: Random) {
    this.port = port
    this.key = random.octets(32)
  }

  /** Hashes wait. */
  get queued(): number {
    return this.waiting
  }

  /** Answers at once where no hash is needed, else later. */
  ask(question: PasswordQuestion): void {
    const quick = this.quick(question)
    if (quick !== undefined) return question.answer(quick)
    const lane = this.lanes.get(question.account) ?? []
    if (this.waiting >= WAITING_MAX || lane.length >= LANE_MAX) return question.answer('busy')
    lane.push(question)
    this.lanes.set(question.account, lane)
    this.waiting++
    this.next()
  }

  /** Forgets what is known of accounts that are gone. */
  keep(accounts: (number: number) => boolean): void {
    for (const number of this.known.keys()) if (!accounts(number)) this.known.delete(number)
  }

  /** What can be said without a slow hash. */
  private quick({ account, secret, password }: PasswordQuestion): PasswordVerdict | undefined {
    if (secret === undefined) return undefined
    if (secret.kind === 'plain')
      return timingSafeEqual(this.mac(secret.value), this.mac(password)) ? 'right' : 'wrong'
    if (secret.kind !== 'argon2id') return 'wrong' // never in the replicated settings
    const known = this.known.get(account)
    if (known?.hash !== secret.hash) return undefined
    return timingSafeEqual(known.mac, this.mac(password)) ? 'right' : 'wrong'
  }

  private next(): void {
    while (!this.hashing) {
      const question = this.take()
      if (question === undefined) return
      if (!question.wanted()) {
        question.answer('dropped')
        continue
      }
      const quick = this.quick(question) // the one before may have been the same
      if (quick === undefined) this.hash(question)
      else question.answer(quick)
    }
  }

  private take(): PasswordQuestion | undefined {
    for (const [account, lane] of this.lanes) {
      const question = lane.shift()
      this.lanes.delete(account)
      if (lane.length > 0) this.lanes.set(account, lane) // to the end: the others come first
      if (question === undefined) continue
      this.waiting--
      return question
    }
    return undefined
  }

  private hash(question: PasswordQuestion): void {
    const { account, secret, password } = question
    const phc = secret?.kind === 'argon2id' ? secret.hash : NOBODY
    this.hashing = true
    this.port
      .verify(phc, password)
      .catch(() => false) // no hash at all: nobody gets in
      .then(same => {
        this.hashing = false
        const right = same && secret !== undefined
        if (right) this.known.set(account, { hash: phc, mac: this.mac(password) })
        question.answer(right ? 'right' : 'wrong')
        this.next()
      })
      .catch((error: unknown) => {
        queueMicrotask(() => {
          throw error // an answer threw: a broken rule of ours, not a wrong password
        })
      })
  }

  private mac(password: string): Buffer {
    return createHmac('sha256', this.key).update(password, 'utf8').digest()
  }
}
