import { writeHeader } from '../smpp/codec.js'
import type { Link } from './link.js'
import type { Direction, Frame, LinkTap } from './types.js'

/** Whose link it is. */
export interface LinkLabel {
  kind: 'account' | 'connector'
  /** system_id of the account, id of the connector. */
  name: string
  /** Asked anew for each PDU: a session has no id before its bind is committed. */
  session(): string
}

/** One PDU of a link that is traced. */
export interface SeenPdu {
  link: Link
  label: LinkLabel
  direction: Direction
  /** Whole. A view: valid during the call only. */
  pdu: Buffer
}

/** What is wanted to be seen. */
export interface Watcher extends Pick<LinkLabel, 'kind' | 'name'> {
  see(seen: SeenPdu): void
}

/**
 * Knows whose each link of this node is, and lets those who want to see an account's, or a connector's, PDUs see them.
 * A link that nobody wants to see carries no tap and pays one look at a field for each PDU.
 */
export class LinkTraces {
  private readonly links: Map<Link, LinkLabel> = new Map()
  private readonly watchers: Set<Watcher> = new Set()

  /**
   * Says whose link this is, or will be if its bind is accepted; a later word replaces it.
   * @param came  the request that says so, which came before anybody could look
   */
  name(link: Link, label: LinkLabel, came?: Frame): void {
    const before = this.links.get(link)
    const seen = before?.kind === label.kind && before.name === label.name // a second bind of the same
    this.links.set(link, label)
    link.tap = this.tapOf(link, label)
    if (came !== undefined && !seen) link.tap?.('in', pduOf(came))
  }

  /** The link is over. */
  forget(link: Link): void {
    this.links.delete(link)
    link.tap = undefined
  }

  /** Looks at what comes from now on; call what is returned to end it. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher)
    this.tapAll()
    return () => {
      this.watchers.delete(watcher)
      this.tapAll()
    }
  }

  private tapAll(): void {
    for (const [link, label] of this.links) link.tap = this.tapOf(link, label)
  }

  private tapOf(link: Link, label: LinkLabel): LinkTap | undefined {
    const mine = [...this.watchers].filter(
      ({ kind, name }) => kind === label.kind && name === label.name,
    )
    if (mine.length === 0) return undefined
    return (direction, pdu) => {
      for (const watcher of mine) watcher.see({ link, label, direction, pdu })
    }
  }
}

/** A PDU as it came. */
export function pduOf({ command_id, command_status, sequence_number, body }: Frame): Buffer {
  const pdu = Buffer.allocUnsafe(16 + body.length)
  writeHeader(pdu, 0, pdu.length, command_id, command_status, sequence_number)
  pdu.set(body, 16)
  return pdu
}
