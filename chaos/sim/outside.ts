import { SeededRandom } from '../../src/base/random.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import { Cancels } from './cancels.js'
import type { Checker } from './checker.js'
import type { ConnectionNetwork, SimConnection } from './connections.js'
import { SimEsme } from './esme.js'
import type { Intent } from './intents.js'
import type { Message } from './message-books.js'
import type { SimNode } from './sim-node.js'
import { Replaces } from './replaces.js'
import type { Cuttings } from './settings.js'
import { SimSmsc } from './smsc.js'
import type { Trace } from './trace.js'

/** A mobile writes so often, ms. */
const MO_EVERY_MS = 700
/** Share of what is learned of messages that makes another session ask after them. */
const CURIOSITY = 0.4

export interface OutsideParts {
  time: VirtualTime
  trace: Trace
  checker: Checker
  connections: ConnectionNetwork
  random: SeededRandom
  /** Submits per second of all ESMEs together. */
  rate: number
  /** Different numbers that messages go to, by each route. */
  numbers: number
  /** Whether an account submits again what it had no answer to. */
  resubmits(systemId: string): boolean
  cuttings: Cuttings
  seedFor(what: string): number
  nodes(): readonly SimNode[]
}

/** Two customers with five sessions, two SMSCs, mobiles, and the balancer in front of the nodes. */
export class Outside {
  readonly smscs: readonly SimSmsc[]
  readonly esmes: readonly SimEsme[]
  /** Nobody begins anything new. */
  private calm = false
  private readonly parts: OutsideParts
  private readonly cancels: Cancels
  private readonly replaces: Replaces
  private tags = 0
  private sessions = 0

  constructor(parts: OutsideParts) {
    this.parts = parts
    const { time, trace, checker, connections } = parts
    this.smscs = ['smsc-a', 'smsc-b'].map(
      (name, i) =>
        new SimSmsc(i + 1, name, {
          time,
          random: new SeededRandom(parts.seedFor(name)),
          notes: new SeededRandom(parts.seedFor(`${name} notes`)),
          checker,
          trace,
          network: connections,
          oneReceipt: parts.cuttings.get(name)?.oneReceipt === true,
        }),
    )
    this.cancels = new Cancels({
      time,
      random: new SeededRandom(parts.seedFor('cancels')),
      rules: checker.cancels,
      trace,
      accepted: account =>
        [...checker.books.messages.values()].filter(
          message => message.account === account && message.status === 'ESME_ROK',
        ),
    })
    this.replaces = new Replaces({
      time,
      random: new SeededRandom(parts.seedFor('replaces')),
      rules: checker.replaces,
      trace,
      colleague: esme => this.colleague(esme),
    })
    this.esmes = this.makeEsmes()
    time.every(MO_EVERY_MS, () => {
      if (this.calm) return
      const tag = `M=${String(++this.tags).padStart(6, '0')};`
      this.smscs[parts.random.below(this.smscs.length)]!.mo(tag, '1000')
    })
  }

  /** From now on nobody submits, asks, or leaves anything without an answer. */
  calmDown(): void {
    this.calm = true
    for (const smsc of this.smscs) smsc.calmDown()
    for (const esme of this.esmes) {
      esme.deafness = 0
      esme.submitting = false
    }
  }

  private makeEsmes(): SimEsme[] {
    const { parts } = this
    const { time, trace, checker, rate, numbers } = parts
    const wanted = [
      { name: 'esme1', systemId: 'esme1', bind: 'bind_transceiver', rate: rate / 2 },
      { name: 'esme2-tx', systemId: 'esme2', bind: 'bind_transmitter', rate: rate / 2 },
      { name: 'esme2-rx', systemId: 'esme2', bind: 'bind_receiver', rate: 0 },
      { name: 'esme1-asks', systemId: 'esme1', bind: 'bind_transmitter', rate: 0 },
      { name: 'esme2-asks', systemId: 'esme2', bind: 'bind_transmitter', rate: 0 },
    ] as const
    const said: Intent[] = []
    return wanted.map(
      ({ name, systemId, bind, rate }) =>
        new SimEsme(
          { name, systemId, bind, rate, resubmits: parts.resubmits(systemId) },
          {
            time,
            random: new SeededRandom(parts.seedFor(name)),
            multis: new SeededRandom(parts.seedFor(`${name} multis`)),
            longs: new SeededRandom(parts.seedFor(`${name} longs`)),
            modes: new SeededRandom(parts.seedFor(`${name} modes`)),
            notes: new SeededRandom(parts.seedFor(`${name} notes`)),
            checker,
            trace,
            numbers,
            connect: () => this.balanced(name),
            nextTag: () => `T=${String(++this.tags).padStart(6, '0')};`,
            nextSession: () => ++this.sessions,
            learned: (esme, message) => this.learned(esme, message),
            colleague: esme => this.colleague(esme),
            said,
          },
        ),
    )
  }

  /** One of an account knows something of a message: another asks after it, on another node perhaps. */
  private learned(esme: SimEsme, message: Message): void {
    const { random } = this.parts
    if (this.calm) return
    if (message.id !== '' && esme.options.bind !== 'bind_receiver') {
      this.cancels.consider(esme, message)
      this.replaces.consider(esme, message)
    }
    if (random.unit() > CURIOSITY) return
    this.colleague(esme)?.query(message)
  }

  /** Another one of its account that is no receiver. */
  private colleague(esme: SimEsme): SimEsme | undefined {
    const { systemId } = esme.options
    const others = this.esmes.filter(
      ({ options }) =>
        options.systemId === systemId &&
        options.bind !== 'bind_receiver' &&
        options !== esme.options,
    )
    return others[this.parts.random.below(Math.max(1, others.length))]
  }

  /** The balancer: any node that listens. */
  private balanced(name: string): Promise<SimConnection> {
    const { connections, random } = this.parts
    const places = this.parts
      .nodes()
      .map(node => `node-${node.id}:2775`)
      .filter(place => connections.isListening(place))
    const place = places[random.below(Math.max(1, places.length))] ?? 'node-1:2775'
    return connections.connect(place, { name, process: undefined }, 1000)
  }
}
