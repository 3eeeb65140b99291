import type { Journal, Ref } from '../journal/index.js'
import { indexOf, MARK, offsetOf } from '../journal/index.js'

/**
 * Where the submit of this account (null: of any) lies that the id names; undefined: there is none, or it is another
 * account's.
 */
export function ownMessage(journal: Journal, account: number | null, id: string): Ref | undefined {
  const { blocks } = journal.state
  return journal.refsOf(id).find(ref => {
    const block = blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    if (block === undefined || offset >= block.count) return false
    // The other marks are refused submits, receipts and MO.
    if (block.mark(offset) > MARK.DONE) return false
    return account === null || block.account(offset) === account
  })
}
