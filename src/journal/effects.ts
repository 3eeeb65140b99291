import type { Outcome } from './commands.js'
import type { Ref } from './ids.js'

/**
 * What apply wants done. Addressed to one node, and only a wake-up: the truth is the state, and a node
 * that starts asks the state what it owes.
 */
export type Effect =
  /** A proposal of the node was decided. */
  | { kind: 'decided'; node: number; boot: number; number: number; outcome: Outcome }
  /** To the home, an earlier home, or a wanted one: look at the connector. */
  | { kind: 'connector'; node: number; connector: number }
  /** To the delivery owner, or an earlier one: look at the account. */
  | { kind: 'account'; node: number; account: number }
  /** To the node that holds the session: it is over. */
  | { kind: 'sessionEnded'; node: number; session: string }
  /** To the node: this boot is over, and all that it held with it. */
  | { kind: 'bootEnded'; node: number; boot: number }
  /** To the node that submitted it: the message, in transaction mode, is concluded. */
  | { kind: 'transaction'; node: number; ref: Ref }
  /** To every node: new settings. */
  | { kind: 'settings'; node: 'all'; revision: number }

/** Gathers effects of a run of entries; the wake-ups once each. */
export class Effects {
  private list: Effect[] = []
  private readonly woken: Set<string> = new Set()

  push(effect: Effect): void {
    this.list.push(effect)
  }

  wakeConnector(node: number | undefined, connector: number): void {
    if (node === undefined || !this.first(`c${node}.${connector}`)) return
    this.list.push({ kind: 'connector', node, connector })
  }

  wakeAccount(node: number | undefined, account: number): void {
    if (node === undefined || !this.first(`a${node}.${account}`)) return
    this.list.push({ kind: 'account', node, account })
  }

  /** Hands the effects over and begins anew. */
  take(): Effect[] {
    const taken = this.list
    this.list = []
    this.woken.clear()
    return taken
  }

  private first(key: string): boolean {
    if (this.woken.has(key)) return false
    this.woken.add(key)
    return true
  }
}
