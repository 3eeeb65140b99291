import type { Block, Journal, Ref } from '../journal/index.js'
import { indexOf, MARK, offsetOf, refOf } from '../journal/index.js'

/**
 * Where the submits of this account lie that the id names: one, or those of a submit_multi that were accepted; none: there is
 * no such id, or it is another account's.
 */
export function ownMessages(journal: Journal, account: number, id: string): Ref[] {
  for (const { block, offset } of placesOf(journal, id)) {
    const own = block
      .membersOf(offset)
      .filter(member => isSubmit(block, member) && block.account(member) === account)
    if (own.length > 0) return own.map(member => refOf(block.index, member))
  }
  return []
}

/** Where the submit of any account lies that the id names; of a submit_multi's, the first. */
export function anyMessage(journal: Journal, id: string): Ref | undefined {
  const place = placesOf(journal, id).find(({ block, offset }) => isSubmit(block, offset))
  return place && refOf(place.block.index, place.offset)
}

function placesOf(journal: Journal, id: string): { block: Block; offset: number }[] {
  return journal.refsOf(id).flatMap(ref => {
    const block = journal.state.blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    return block === undefined || offset >= block.count ? [] : [{ block, offset }]
  })
}

/** The other marks are refused submits, receipts and MO. */
const isSubmit = (block: Block, offset: number): boolean => block.mark(offset) <= MARK.DONE
