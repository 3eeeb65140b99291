import { silentLogger } from '../../base/logger.js'
import { noMetrics } from '../../base/metrics.js'
import { SeededRandom } from '../../base/random.js'
import { addressHash, type OutcomeItem, type Ref } from '../../journal/index.js'
import { connectionPair } from '../../link/testing/connection-pair.js'
import { LIMITS } from '../../link/testing/recorder.js'
import type { Body } from '../../smpp/codec.js'
import { encodeBody } from '../../smpp/codec.js'
import { SingleJournal, type SingleJournalOptions } from '../../testing/single-journal.js'
import { VirtualTime } from '../../testing/virtual-time.js'
import { FrontEnd } from '../front.js'
import type { FrontOptions } from '../ports.js'
import { EsmeClient } from './esme-client.js'

/** A hash of the tests: `$argon2id$` and the password. Counted, and answered when a test says so. */
export class SlowPasswords {
  /** Hashes made so far. */
  made = 0
  /** False: hashes wait for `finish`. */
  quick = true
  private waiting: (() => void)[] = []

  verify(hash: string, password: string): Promise<boolean> {
    this.made++
    const same = hash === `$argon2id$${password}`
    if (this.quick) return Promise.resolve(same)
    return new Promise(resolve => {
      this.waiting.push(() => resolve(same))
    })
  }

  /** Finishes the hash that is under way; returns how many were. */
  async finish(): Promise<number> {
    const waiting = this.waiting
    this.waiting = []
    for (const resolve of waiting) resolve()
    await settled()
    return waiting.length
  }
}

/** A front end on a journal without Raft, in virtual time. */
export class FrontWorld {
  readonly time: VirtualTime
  readonly cluster: SingleJournal
  readonly front: FrontEnd
  readonly passwords = new SlowPasswords()
  /** What the front end sent to other nodes. */
  readonly sent: { to: number; body: Buffer }[] = []
  /** Hands the front end a message of another node. */
  hear: (from: number, body: Buffer) => void = () => undefined
  leaderlessSinceMs: number | undefined
  currentRead: () => Promise<unknown> = () => Promise.resolve()

  private constructor(time: VirtualTime, cluster: SingleJournal, over: Partial<FrontOptions>) {
    this.time = time
    this.cluster = cluster
    this.front = new FrontEnd({
      journal: cluster.journal,
      clock: time,
      timers: time,
      random: new SeededRandom(1),
      logger: silentLogger,
      metrics: noMetrics,
      passwords: this.passwords,
      cluster: {
        leaderlessSinceMs: () => this.leaderlessSinceMs,
        currentRead: () => this.currentRead(),
      },
      messenger: {
        send: (to, body) => {
          this.sent.push({ to, body })
          return true
        },
        onMessage: handler => {
          this.hear = handler
        },
      },
      listen: [],
      limits: LIMITS,
      submitTimeoutMs: 5000,
      isolationTimeoutMs: 10_000,
      receiptGuardMs: 500,
      ...over,
    })
  }

  static async open(
    t: { teardown(fn: () => unknown): void },
    options: Partial<SingleJournalOptions & { front: Partial<FrontOptions> }> = {},
  ): Promise<FrontWorld> {
    const time = new VirtualTime()
    const cluster = await SingleJournal.open({ time, ...options })
    const world = new FrontWorld(time, cluster, options.front ?? {})
    await world.front.start()
    world.front.begin(cluster.boot)
    t.teardown(async () => {
      await world.front.stop()
      await cluster.stop()
    })
    return world
  }

  /** A connection of an ESME. */
  connect(remoteAddress = '192.0.2.1'): EsmeClient {
    const [ours, theirs] = connectionPair(this.time, { remoteAddress })
    this.front.accept(ours)
    return new EsmeClient(theirs, this.time)
  }

  /** One that is bound. */
  bound(...bind: Parameters<EsmeClient['bind']>): EsmeClient {
    const client = this.connect().bind(...bind)
    this.time.turn()
    return client
  }

  /** Lets promises of the code under test settle, then the turn. */
  async settle(): Promise<void> {
    await settled()
    this.time.turn()
    await settled()
    this.time.turn()
  }

  get account() {
    return this.cluster.state.account('esme1')!
  }

  /** The SMSC has taken all queued messages: their places, in order. */
  dispatch(result: Partial<OutcomeItem> = {}): Ref[] {
    const connector = this.cluster.state.connector('smsc-a')!
    const { number, epoch } = connector
    const refs: Ref[] = []
    const claimed = this.own({ kind: 'claim', connector: number, epoch, count: 4096 })
    if (!claimed.ok || !('claimed' in claimed)) throw new Error('nothing was claimed')
    for (const { index, lo, hi } of claimed.claimed)
      for (let offset = lo; offset < hi; offset++) refs.push(index * 4096 + offset)
    const items = refs.map((ref): OutcomeItem => ({
      ref,
      attempt: connector.claims.get(ref) ?? 1,
      result: 'sent',
      error: 0,
      smscId: `s${ref}`,
      retryAtMs: 0,
      ...result,
    }))
    this.own({ kind: 'outcomes', connector: number, epoch, items })
    return refs
  }

  /** The SMSC's receipt for each message. */
  receipts(refs: readonly Ref[], text = 'stat:DELIVRD'): void {
    const connector = this.cluster.state.connector('smsc-a')!
    const body = (ref: Ref) =>
      encodeBody('deliver_sm', {
        source_addr: '491701234567',
        destination_addr: '1000',
        esm_class: 4,
        short_message: Buffer.from(`id:s${ref} sub:001 dlvrd:001 ${text} err:000 text:`),
      })
    const address = Buffer.from('491701234567')
    this.cluster.decide({
      kind: 'inbound',
      connector: connector.number,
      epoch: connector.epoch,
      items: refs.map(ref => ({
        kind: 'receipt' as const,
        smscId: `s${ref}`,
        state: 2,
        error: 0,
        addressHash: addressHash(address, 0, address.length),
        body: body(ref),
      })),
    })
  }

  /** MO with these texts. */
  mo(texts: readonly string[], over: Partial<Body<'deliver_sm'>> = {}): void {
    const connector = this.cluster.state.connector('smsc-a')!
    this.cluster.decide({
      kind: 'inbound',
      connector: connector.number,
      epoch: connector.epoch,
      items: texts.map(text => ({
        kind: 'mo' as const,
        account: this.account.number,
        body: encodeBody('deliver_sm', { short_message: Buffer.from(text), ...over }),
      })),
    })
  }

  /** Applies a command of this node at once. */
  own(command: Parameters<SingleJournal['decide']>[0]) {
    let result: ReturnType<SingleJournal['decide']> | undefined
    if (command.kind === 'accept') throw new Error('submit instead')
    this.cluster.proposer.propose(command, decided => {
      result = decided
    })
    this.time.turn()
    if (result === undefined) throw new Error('the command was not applied')
    return result
  }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
