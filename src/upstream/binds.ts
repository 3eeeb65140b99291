import { addressText } from '../base/address.js'
import type { Link } from '../link/link.js'
import type { Frame, ResponseKind } from '../link/types.js'
import type { BindType, Connector } from '../policy/settings.js'
import { Bind } from './bind.js'
import type { Context } from './context.js'

/** What a home hears of its binds. */
export interface BindsUser {
  /** The number that stand changed, or one has ended. */
  changed(): void
  request(link: Link, frame: Frame): void
  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void
  ready(): void
}

/** Of the binds that stand. */
export interface AddressBinds {
  /** host:port */
  address: string
  binds: number
}

/** Links looked at to find the one with the most room. */
const LOOK_AT = 8

/** The binds of one connector: as many as its settings say, each under those settings. */
export class Binds {
  lastError: string | null = null
  private readonly context: Context
  private readonly user: BindsUser
  private current: Bind[] = []
  /** On their way out. */
  private leaving: Bind[] = []
  private settings: Connector | undefined
  /** What messages may go to, as of the last change. */
  private links: Link[] = []
  private next = 0
  private standing = { carriers: 0, receivers: 0 }

  constructor(context: Context, user: BindsUser) {
    this.context = context
    this.user = user
  }

  /** Binds that stand; of pairs, the transmitters. */
  get up(): number {
    return this.standing.carriers
  }

  /** Receivers of pairs that stand; null where there are no pairs. */
  get receiversUp(): number | null {
    return this.settings?.bindType === 'tx+rx' ? this.standing.receivers : null
  }

  /** Whom the binds that stand are bound to, and how many of them. */
  get addresses(): AddressBinds[] {
    const found = new Map<string, number>()
    for (const { isUp, address } of this.current) {
      const text = addressText(address)
      if (isUp) found.set(text, (found.get(text) ?? 0) + 1)
    }
    return [...found].map(([address, binds]) => ({ address, binds }))
  }

  /** Binds that messages can go to. */
  get senders(): number {
    return this.links.length
  }

  get windowUsed(): number {
    let used = 0
    for (const bind of this.current) used += bind.windowUsed
    for (const bind of this.leaving) used += bind.windowUsed
    return used
  }

  /** True once all have gone. */
  get ended(): boolean {
    return this.current.length === 0 && this.leaving.length === 0
  }

  /** Opens and closes binds until they are as the settings say. Binds that differ are replaced. */
  apply(settings: Connector): void {
    if (this.settings !== undefined && !isSame(this.settings, settings)) this.leave()
    this.settings = settings
    for (const bind of this.current) bind.setWindow(settings.window)
    for (const type of typesOf(settings)) {
      const have = this.current.filter(bind => bind.type === type)
      for (let spare = have.length - settings.binds; spare > 0; spare--) this.retire(have.pop()!)
      for (let left = settings.binds - have.length; left > 0; left--)
        this.current.push(this.open(settings, type))
    }
  }

  /** Lets all binds finish what they have sent, and unbind. */
  leave(): void {
    const leaving = this.current
    this.current = []
    for (const bind of leaving) this.retire(bind)
    this.changed()
  }

  /** Ends all at once. */
  stop(): void {
    const all = [...this.current, ...this.leaving]
    this.current = this.leaving = []
    for (const bind of all) bind.stop()
    this.changed()
  }

  /** The link with the most room in its window, of the next few; undefined where there is no room. */
  freest(): Link | undefined {
    const { links } = this
    let best: Link | undefined
    let most = 0
    for (let i = Math.min(LOOK_AT, links.length); i > 0; i--) {
      this.next = this.next + 1 < links.length ? this.next + 1 : 0
      const link = links[this.next]!
      const free = link.windowFree
      if (free > most) {
        most = free
        best = link
      }
    }
    return best ?? (links.length > LOOK_AT ? links.find(link => link.windowFree > 0) : undefined)
  }

  /** Sends now what was gathered for the links. */
  flush(): void {
    for (const link of this.links) link.flush()
  }

  private open(settings: Connector, type: BindType): Bind {
    return new Bind(this.context, settings, type, {
      changed: () => this.changed(),
      failed: reason => this.failed(reason),
      request: (link, frame) => this.user.request(link, frame),
      response: (tag, kind, frame) => this.user.response(tag, kind, frame),
      ready: () => this.user.ready(),
    })
  }

  private retire(bind: Bind): void {
    this.current = this.current.filter(other => other !== bind)
    this.leaving.push(bind)
    bind.leave()
  }

  private changed(): void {
    this.leaving = this.leaving.filter(bind => !bind.hasEnded)
    this.links = []
    const carrier = this.settings === undefined ? undefined : typesOf(this.settings)[0]
    const standing = { carriers: 0, receivers: 0 }
    for (const bind of this.current) {
      if (bind.isUp) standing[bind.type === carrier ? 'carriers' : 'receivers']++
      const link = bind.sendingLink
      if (link !== undefined) this.links.push(link)
    }
    const before = this.standing
    this.standing = standing
    this.tell(total(standing) - total(before))
    this.user.changed()
  }

  /** @param change  binds that stand now, less those that did */
  private tell(change: number): void {
    if (change === 0 || this.settings === undefined) return
    const { binds: bindsWanted, otherHosts } = this.settings
    const { receiversUp: receivers } = this
    this.context.logger.info(change > 0 ? 'connector bound' : 'connector unbound', {
      binds: this.up,
      ...(receivers === null ? {} : { receivers }),
      bindsWanted,
      ...(otherHosts === undefined ? {} : { to: this.addresses.map(({ address }) => address) }),
    })
    if (this.up === bindsWanted && (receivers ?? bindsWanted) === bindsWanted) this.lastError = null
  }

  private failed(reason: string): void {
    if (reason === this.lastError) return
    this.lastError = reason
    this.context.logger.warn('connector bind failed', { reason })
  }
}

/** Of the binds that make one of a connector's; the first one carries messages, if any does. */
function typesOf({ bindType }: Connector): readonly BindType[] {
  return bindType === 'tx+rx' ? ['tx', 'rx'] : [bindType]
}

const total = ({ carriers, receivers }: { carriers: number; receivers: number }): number =>
  carriers + receivers

/** Whether binds under the one settings can serve under the others. */
function isSame(a: Connector, b: Connector): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.systemId === b.systemId &&
    a.systemType === b.systemType &&
    a.bindType === b.bindType &&
    a.localAddress === b.localAddress &&
    a.enquireLinkMs === b.enquireLinkMs &&
    a.responseTimeoutMs === b.responseTimeoutMs &&
    a.bindTimeoutMs === b.bindTimeoutMs &&
    JSON.stringify(a.otherHosts ?? []) === JSON.stringify(b.otherHosts ?? []) &&
    JSON.stringify(a.tls ?? null) === JSON.stringify(b.tls ?? null) &&
    JSON.stringify(a.password) === JSON.stringify(b.password)
  )
}
