import type { Link } from '../link/link.js'
import type { Frame, ResponseKind } from '../link/types.js'
import type { Connector } from '../policy/settings.js'
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
  private wasUp = 0

  constructor(context: Context, user: BindsUser) {
    this.context = context
    this.user = user
  }

  /** Binds that stand. */
  get up(): number {
    return this.wasUp
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
    while (this.current.length > settings.binds) this.retire(this.current.pop()!)
    while (this.current.length < settings.binds)
      this.current.push(
        new Bind(this.context, settings, {
          changed: () => this.changed(),
          failed: reason => this.failed(reason),
          request: (link, frame) => this.user.request(link, frame),
          response: (tag, kind, frame) => this.user.response(tag, kind, frame),
          ready: () => this.user.ready(),
        }),
      )
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

  private retire(bind: Bind): void {
    this.leaving.push(bind)
    bind.leave()
  }

  private changed(): void {
    this.leaving = this.leaving.filter(bind => !bind.hasEnded)
    this.links = []
    let up = 0
    for (const bind of this.current) {
      if (bind.isUp) up++
      const link = bind.sendingLink
      if (link !== undefined) this.links.push(link)
    }
    if (up !== this.wasUp) {
      this.context.logger.info(up > this.wasUp ? 'connector bound' : 'connector unbound', {
        binds: up,
        bindsWanted: this.settings?.binds ?? 0,
      })
      if (up > this.wasUp && up === this.settings?.binds) this.lastError = null
    }
    this.wasUp = up
    this.user.changed()
  }

  private failed(reason: string): void {
    if (reason === this.lastError) return
    this.lastError = reason
    this.context.logger.warn('connector bind failed', { reason })
  }
}

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
    JSON.stringify(a.tls ?? null) === JSON.stringify(b.tls ?? null) &&
    JSON.stringify(a.password) === JSON.stringify(b.password)
  )
}
