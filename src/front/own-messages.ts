import type { Journal, Ref } from '../journal/index.js'
import { indexOf, MARK, offsetOf } from '../journal/index.js'

/** Where the submit of this account lies that the id names; undefined: there is none, or it is another account's. */
export function ownMessage(journal: Journal, account: number, id: string): Ref | undefined {
  const { blocks } = journal.state
  return journal.refsOf(id).find(ref => {
    const block = blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    if (block === undefined || offset >= block.count) return false
    // The other marks are refused submits, receipts and MO.
    return block.mark(offset) <= MARK.DONE && block.account(offset) === account
  })
}
