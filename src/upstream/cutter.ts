import type { Journal, Ref } from '../journal/index.js'
import { cuts, indexOf, offsetOf } from '../journal/index.js'
import { defaultAlphabetOf, type Connector } from '../policy/settings.js'
import { splitBody } from '../text/split.js'
import { Parts } from './parts.js'

/** Messages of which some parts were taken and others not; of the one that began first all parts go again then. */
export const REMEMBERED_MAX = 1000

/**
 * Cuts what is too long for one short message (docs/decisions/0018). Which parts the SMSC has taken is remembered here, for
 * a retry; a new home does not know it, and sends all of them again, under the same reference.
 */
export class Cutter {
  private readonly journal: Journal
  private readonly remembered: Map<Ref, Pick<Parts, 'revision' | 'smscIds'>> = new Map()

  constructor(journal: Journal) {
    this.journal = journal
  }

  /**
   * @param body  as the SMSC would get it whole
   * @returns     the body to write where it goes whole
   */
  cut(ref: Ref, body: Buffer, connector: Connector): Parts | Buffer {
    const { longMessages: how } = connector
    const { state } = this.journal
    if (how === undefined || !cuts(state)) return body
    const bodies = splitBody(body, how, defaultAlphabetOf(connector), referenceOf(ref))
    if (bodies.length === 1) return bodies[0]!
    const parts = new Parts(bodies, state.revision)
    const known = this.remembered.get(ref)
    this.remembered.delete(ref)
    // Other settings may have cut it elsewhere.
    if (known?.revision === state.revision && known.smscIds.length === bodies.length)
      parts.resume(known.smscIds)
    return parts
  }

  /** It comes again: without the parts that the SMSC has. */
  remember(ref: Ref, parts: Parts): void {
    if (this.remembered.size >= REMEMBERED_MAX)
      for (const first of this.remembered.keys()) {
        this.remembered.delete(first)
        break
      }
    const { revision, smscIds } = parts
    this.remembered.set(ref, { revision, smscIds })
  }
}

/** The same whenever, and from whichever node, the message is sent; others' differ for as long as 16 bits allow. */
function referenceOf(ref: Ref): number {
  return (indexOf(ref) * 167 + offsetOf(ref)) & 0xffff
}
