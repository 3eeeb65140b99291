import { findList } from '../policy/distribution-lists.js'
import { DESTINATIONS_MAX, type DistributionList } from '../policy/settings.js'
import type { DestAddress } from '../smpp/codec.js'
import type { SmeAddress } from '../smpp/multi-submit.js'

/** Where a submit_multi goes to. */
export interface Destinations {
  /** Each once, in the order in which they are named first. */
  addresses: SmeAddress[]
  /** dl_names that are no list of the account. */
  unknown: string[]
}

/**
 * The addresses that a submit_multi of an account names, its lists expanded.
 *
 * @returns undefined: more than its response could name (DESTINATIONS_MAX)
 */
export function destinationsOf(
  dest_address: readonly DestAddress[],
  lists: readonly DistributionList[],
  account: string,
): Destinations | undefined {
  const addresses = new Map<string, SmeAddress>()
  const unknown = new Set<string>()
  const add = (ton: number, npi: number, destination_addr: string): void => {
    const key = `${ton} ${npi} ${destination_addr}`
    if (addresses.has(key)) return
    addresses.set(key, { dest_addr_ton: ton, dest_addr_npi: npi, destination_addr })
  }
  for (const to of dest_address) {
    if (to.dest_flag === 1) {
      add(to.dest_addr_ton, to.dest_addr_npi, to.destination_addr)
      continue
    }
    const list = findList(lists, account, to.dl_name)
    if (list === undefined) unknown.add(to.dl_name)
    else for (const member of list.members) add(list.ton, list.npi, member)
  }
  if (addresses.size + unknown.size > DESTINATIONS_MAX) return undefined
  return { addresses: [...addresses.values()], unknown: [...unknown] }
}
