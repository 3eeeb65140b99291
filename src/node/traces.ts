import { Readable } from 'node:stream'
import type { TraceOrder, TracesPort } from '../api/ports.js'
import type { TraceEnd, TraceLine } from '../api/shapes.js'
import { addressText } from '../base/address.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Link } from '../link/link.js'
import { LinkTraces, type SeenPdu } from '../link/link-traces.js'
import type { Direction } from '../link/types.js'
import { maskPdu } from '../smpp/pdu-mask.js'

/** Traces at a time on one node. */
export const TRACES_MAX = 4
/** Octets that wait for whoever reads; PDUs beyond are dropped, and counted. */
export const QUEUE_OCTETS_MAX = 1024 * 1024

export interface TracesOptions {
  node: number
  clock: Clock
  timers: Timers
  logger: Logger
}

/** The PDU traces that run on this node. */
export class Traces implements TracesPort {
  /** Links are named to it, by front end and upstream. */
  readonly links = new LinkTraces()
  private readonly options: TracesOptions
  private readonly running: Set<Trace> = new Set()

  constructor(options: TracesOptions) {
    this.options = options
  }

  start(order: TraceOrder): Readable | 'tooMany' {
    if (this.running.size >= TRACES_MAX) return 'tooMany'
    const { kind, name, texts, forMs, octetsMax, by } = order
    const { logger } = this.options
    logger.info('trace started', { kind, name, texts, forMs, octetsMax, by })
    const trace = new Trace(order, this.links, this.options, end => {
      this.running.delete(trace)
      logger.info('trace ended', { kind, name, by, ...end })
    })
    this.running.add(trace)
    return trace.stream
  }

  stop(): void {
    for (const trace of this.running) trace.end('stopped')
  }
}

/** One of them: lines of JSON, as many as its reader takes. */
class Trace {
  readonly stream: Readable
  private readonly order: TraceOrder
  private readonly options: TracesOptions
  private readonly unwatch: () => void
  private readonly cancel: Cancel
  private readonly ended: (end: Omit<TraceEnd, 'kind' | 'node'>) => void
  /** Octets of each link and direction so far, those of dropped PDUs too. */
  private readonly places: Map<Link, Record<Direction, number>> = new Map()
  private over = false
  private octets = 0
  private pdus = 0
  private dropped = 0
  private untold = 0

  constructor(
    order: TraceOrder,
    links: LinkTraces,
    options: TracesOptions,
    ended: (end: Omit<TraceEnd, 'kind' | 'node'>) => void,
  ) {
    this.order = order
    this.options = options
    this.ended = ended
    this.stream = new Readable({
      highWaterMark: QUEUE_OCTETS_MAX,
      read: () => undefined,
      destroy: (error, done) => {
        this.end('left')
        done(error)
      },
    })
    this.cancel = options.timers.after(order.forMs, () => this.end('time'))
    this.tell({ kind: 'begun', node: options.node, texts: order.texts })
    const { kind, name } = order
    this.unwatch = links.watch({ kind, name, see: seen => this.see(seen) })
  }

  /** `left`: its reader has gone. */
  end(why: TraceEnd['why']): void {
    if (this.over) return
    this.over = true
    this.cancel()
    this.unwatch()
    this.places.clear()
    const { pdus, dropped, options } = this
    this.tell({ kind: 'end', node: options.node, why, pdus, dropped })
    this.stream.push(null)
    this.ended({ why, pdus, dropped })
  }

  private see({ link, label, direction, pdu }: SeenPdu): void {
    if (this.over) return
    const { clock, node } = this.options
    const places = this.placesOf(link)
    const place = places[direction]
    places[direction] += pdu.length
    // Full is full of what is not read: what is read frees it.
    if (this.stream.readableLength + pdu.length > QUEUE_OCTETS_MAX) {
      this.dropped++
      this.untold++
      return
    }
    if (this.untold > 0) this.tell({ kind: 'dropped', node, dropped: this.untold })
    this.untold = 0
    const copy = Buffer.from(pdu)
    maskPdu(copy, { texts: this.order.texts })
    this.pdus++
    this.octets += pdu.length
    this.tell({
      kind: 'pdu',
      node,
      at: clock.nowMs(),
      session: label.session(),
      direction,
      local: addressText({ host: link.localAddress, port: link.localPort }),
      remote: addressText({ host: link.remoteAddress, port: link.remotePort }),
      place,
      pdu: copy.toString('base64'),
    })
    if (this.octets >= this.order.octetsMax) this.end('octets')
  }

  private placesOf(link: Link): Record<Direction, number> {
    let places = this.places.get(link)
    if (places === undefined) {
      places = { in: 0, out: 0 }
      this.places.set(link, places)
    }
    return places
  }

  private tell(line: TraceLine): void {
    if (!this.stream.destroyed) this.stream.push(`${JSON.stringify(line)}\n`)
  }
}
