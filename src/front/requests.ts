import type { Ref } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { Cancels } from './cancels.js'
import type { EsmeSession, SessionRequests } from './esme-session.js'
import { Multis } from './multis.js'
import { Queries } from './queries.js'
import { Replaces } from './replaces.js'
import { Submits, type SubmitsOptions } from './submits.js'

/** What bound sessions ask for about messages, each kind of request with its own. */
export class Requests implements SessionRequests {
  private readonly submits: Submits
  private readonly multis: Multis
  private readonly queries: Queries
  private readonly cancels: Cancels
  private readonly replaces: Replaces

  constructor(options: SubmitsOptions) {
    this.submits = new Submits(options)
    this.multis = new Multis(options)
    this.queries = new Queries(options.journal, options.currentRead)
    this.cancels = new Cancels(options)
    this.replaces = new Replaces(options)
  }

  submit(session: EsmeSession, frame: Frame): void {
    this.submits.submit(session, frame)
  }

  submitMulti(session: EsmeSession, frame: Frame): void {
    this.multis.submit(session, frame)
  }

  query(session: EsmeSession, frame: Frame): void {
    this.queries.query(session, frame)
  }

  cancel(session: EsmeSession, frame: Frame): void {
    this.cancels.cancel(session, frame)
  }

  replace(session: EsmeSession, frame: Frame): void {
    this.replaces.replace(session, frame)
  }

  /** The log says that a message of this node, in transaction mode, is concluded. */
  concluded(ref: Ref): void {
    this.submits.concluded(ref)
  }

  /** The session is over. */
  closed(session: EsmeSession): void {
    this.submits.closed(session)
  }

  /** Another state may have come. */
  reset(): void {
    this.submits.reset()
  }
}
