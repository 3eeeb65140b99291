import type { Journal } from '../journal/index.js'
import { refOf } from '../journal/index.js'

const ID_DIGITS = 20
const SHORT_DIGITS = 8
/** Digits that say which message of the entry; all before them are the entry's. */
const OFFSET_DIGITS = 3
const HEX = Buffer.from('0123456789abcdef', 'latin1')

/**
 * Writes the body of a submit_sm_resp: the message_id and its NUL. Ids of one entry share all but their
 * last three digits, so those alone are written for each message.
 */
export class MessageIdBody {
  private readonly journal: Journal
  private readonly body = Buffer.alloc(ID_DIGITS + 1)
  private readonly other = Buffer.alloc(ID_DIGITS + 1)
  private readonly short = Buffer.alloc(SHORT_DIGITS + 1)
  private index = -1

  constructor(journal: Journal) {
    this.journal = journal
  }

  /** The same buffer each time: copy it, or write it out, before the next call. */
  of(index: number, offset: number): Buffer {
    const { body } = this
    if (index !== this.index) {
      body.write(this.journal.idOf(refOf(index, 0)), 0, 'latin1')
      this.index = index
    }
    body[ID_DIGITS - OFFSET_DIGITS] = HEX[offset >> 8]!
    body[ID_DIGITS - 2] = HEX[(offset >> 4) & 15]!
    body[ID_DIGITS - 1] = HEX[offset & 15]!
    return body
  }

  /** The same of the id that its ESME knows it by, which may be of 8 digits, or that of another message. */
  shownOf(index: number, offset: number): Buffer {
    const id = this.journal.shownIdOf(refOf(index, offset))
    const body = id.length === SHORT_DIGITS ? this.short : this.other
    body.write(id, 0, 'latin1')
    return body
  }

  /** Forgets the entry: another generation may have come. */
  reset(): void {
    this.index = -1
  }
}
