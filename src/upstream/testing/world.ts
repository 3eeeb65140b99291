import { SeededRandom } from '../../base/random.js'
import { silentLogger } from '../../base/logger.js'
import { noMetrics } from '../../base/metrics.js'
import type { ConnectorState, Ref } from '../../journal/index.js'
import {
  addressHash,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_SCHEDULED,
  indexOf,
  MARK,
  offsetOf,
  refOf,
} from '../../journal/index.js'
import type { Connector, GatewaySettings } from '../../policy/settings.js'
import { encodeBody, tlv } from '../../smpp/codec.js'
import { connector, gateway } from '../../testing/gateway.js'
import { SingleJournal } from '../../testing/single-journal.js'
import { VirtualTime } from '../../testing/virtual-time.js'
import type { UpstreamOptions } from '../context.js'
import { Upstream } from '../upstream.js'
import { ScriptedSmsc } from './smsc.js'

export interface Wishes {
  text?: string
  to?: string
  priority?: number
  registered_delivery?: number
  validity_period?: string
  /** As message_payload, and no short_message. */
  payload?: string
  esm_class?: number
  /** 0: none given. */
  expiresAtMs?: number
  /** schedule_delivery_time; 0: none given. */
  dueAtMs?: number
}

/** One node with a journal of its own, its connectors, and an SMSC; all in virtual time. */
export class World {
  readonly time: VirtualTime
  readonly cluster: SingleJournal
  readonly smsc: ScriptedSmsc
  readonly upstream: Upstream
  fenced = true
  private submits = 0

  private constructor(time: VirtualTime, cluster: SingleJournal, over: Partial<UpstreamOptions>) {
    this.time = time
    this.cluster = cluster
    this.smsc = new ScriptedSmsc(time)
    this.upstream = new Upstream({
      journal: cluster.journal,
      clock: time,
      timers: time,
      random: new SeededRandom(1),
      logger: silentLogger,
      metrics: noMetrics,
      connect: this.smsc.connect,
      openSecret: secret => (secret.kind === 'plain' ? secret.value : ''),
      fence: () => this.fenced,
      ...over,
    })
  }

  /** Bound, and idle, unless `start` is false. */
  static async open(
    settings: Partial<Connector> = {},
    options: {
      start?: boolean
      gateway?: Partial<GatewaySettings>
      over?: Partial<UpstreamOptions>
    } = {},
  ): Promise<World> {
    const time = new VirtualTime()
    const cluster = await SingleJournal.open({
      time,
      submitTimeoutMs: 600_000,
      settings: gateway({ connectors: [connector('smsc-a', settings)], ...options.gateway }),
    })
    const world = new World(time, cluster, options.over ?? {})
    if (options.start !== false) await world.start()
    return world
  }

  async start(): Promise<void> {
    this.upstream.start()
    await this.pass(500)
  }

  /** Lets virtual time pass, and promises settle. */
  async pass(ms: number): Promise<void> {
    await this.time.advanceAsync(ms)
  }

  get connector(): ConnectorState {
    return this.cluster.state.connector('smsc-a')!
  }

  configure(settings: Partial<Connector>): void {
    this.cluster.apply(gateway({ connectors: [connector('smsc-a', settings)] }))
  }

  /** Submits a message, as a front end would. Resolves with its place once it is accepted. */
  async submit(wishes: Wishes = {}): Promise<Ref> {
    const [ref] = await this.submitMany(1, wishes)
    return ref!
  }

  submitMany(count: number, wishes: Wishes = {}): Promise<Ref[]> {
    const submitted = Promise.all(Array.from({ length: count }, () => this.propose(wishes)))
    this.time.turn()
    return submitted
  }

  /** Where a message stands, by the name of its mark; `gone` once its block is. */
  markOf(ref: Ref): keyof typeof MARK | 'gone' {
    const mark = this.cluster.state.blocks.get(indexOf(ref))?.mark(offsetOf(ref))
    const found = Object.entries(MARK).find(([, value]) => value === mark)
    return (found?.[0] ?? 'gone') as keyof typeof MARK | 'gone'
  }

  /** message_state of a message. */
  stateOf(ref: Ref): number | undefined {
    return this.cluster.state.blocks.get(indexOf(ref))?.state(offsetOf(ref))
  }

  smscIdOf(ref: Ref): string | undefined {
    return this.cluster.state.blocks.get(indexOf(ref))?.smscId(offsetOf(ref))
  }

  /** How many messages stand where. */
  tally(refs: readonly Ref[]): Partial<Record<keyof typeof MARK | 'gone', number>> {
    const tally: Partial<Record<keyof typeof MARK | 'gone', number>> = {}
    for (const ref of refs) tally[this.markOf(ref)] = (tally[this.markOf(ref)] ?? 0) + 1
    return tally
  }

  async stop(): Promise<void> {
    this.upstream.stop()
    const stopped = this.cluster.stop()
    await this.pass(10_000)
    await stopped
  }

  private propose(wishes: Wishes): Promise<Ref> {
    const { to = '49170', priority = 0, registered_delivery = 1, expiresAtMs = 0 } = wishes
    const { dueAtMs = 0, validity_period = '', esm_class = 0, payload } = wishes
    const text = wishes.text ?? (payload === undefined ? `m${++this.submits}` : '')
    const destination = Buffer.from(to, 'latin1')
    const body = encodeBody('submit_sm', {
      source_addr: '1234',
      destination_addr: to,
      esm_class,
      registered_delivery,
      priority_flag: priority,
      validity_period,
      short_message: Buffer.from(text, 'latin1'),
      tlvs:
        payload === undefined
          ? []
          : [tlv.octets('message_payload', Buffer.from(payload, 'latin1'))],
    })
    const record = {
      account: this.cluster.state.account('esme1')!.number,
      registered_delivery,
      flags: (expiresAtMs > 0 ? FLAG_EXPLICIT_VALIDITY : 0) | (dueAtMs > 0 ? FLAG_SCHEDULED : 0),
      expiresAtMs,
      dueAtMs,
      session: 1,
      addressHash: addressHash(destination, 0, destination.length),
      body,
    }
    return new Promise((resolve, reject) => {
      const { number } = this.connector
      this.cluster.proposer.submit(number, priority, this.cluster.state.revision, record, {
        accepted: (index, offset) => resolve(refOf(index, offset)),
        refused: why => reject(new Error(why)),
      })
    })
  }
}
