import type { Journal } from '../journal/index.js'
import { defaultAlphabetOf, type Connector } from '../policy/settings.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import { transcodeBody } from '../text/transcode.js'

/**
 * Writes texts of accounts in the default alphabet of one connector, and back. Where both have the same, which is the rule,
 * octets go through as they are. Of an account that is in the settings no more nobody knows: the same too.
 */
export class Transcoder {
  private readonly journal: Journal
  private connector: Connector | undefined
  private revision = -1
  /** Account numbers whose texts are written otherwise than the connector's. */
  private readonly others: Map<number, DefaultAlphabet> = new Map()

  constructor(journal: Journal) {
    this.journal = journal
  }

  /** A submit_sm body of the account as the SMSC reads it. */
  outgoing(body: Buffer, account: number, connector: Connector): Buffer {
    const from = this.otherOf(account, connector)
    if (from === undefined) return body
    const { otherCharacters = 'ucs2' } = connector
    const to = defaultAlphabetOf(connector)
    return transcodeBody(body, 'submit_sm', { from, to, otherCharacters })
  }

  /** A deliver_sm body of the SMSC as the account reads it. */
  incoming(body: Buffer, account: number, connector: Connector): Buffer {
    const to = this.otherOf(account, connector)
    if (to === undefined) return body
    const from = defaultAlphabetOf(connector)
    return transcodeBody(body, 'deliver_sm', { from, to, otherCharacters: 'ucs2' })
  }

  private otherOf(account: number, connector: Connector): DefaultAlphabet | undefined {
    const { revision } = this.journal.state
    if (revision !== this.revision || connector !== this.connector) this.learn(connector)
    return this.others.size === 0 ? undefined : this.others.get(account)
  }

  private learn(connector: Connector): void {
    const { state } = this.journal
    const ours = defaultAlphabetOf(connector)
    this.others.clear()
    for (const { number, settings } of state.accounts.values()) {
      const theirs = defaultAlphabetOf(settings)
      if (settings !== undefined && theirs !== ours) this.others.set(number, theirs)
    }
    this.revision = state.revision
    this.connector = connector
  }
}
