import type { Frame } from '../../src/link/types.js'
import type { DistributionList, GatewaySettings } from '../../src/policy/settings.js'
import { decodeBody } from '../../src/smpp/codec.js'
import { COMMAND_IDS, responseId } from '../../src/smpp/command-ids.js'
import { statusText } from '../../src/smpp/command-status.js'
import type { Message } from './message-books.js'
import { ROUTED } from './settings.js'
import type { Violations } from './violations.js'

export interface MultiRulesParts {
  violations: Violations
}

/** A submit_multi, or a submit_sm, as its ESME sent it: to addresses and to lists. */
export interface Sending {
  account: string
  addresses: readonly string[]
  lists: readonly string[]
  /** What its node had applied when it was sent. */
  seenIndex: number
  /** By address: all that are named by themselves, and whoever was in one of the lists ever. */
  messages: ReadonlyMap<string, Message>
}

/** What a positive response says: of those that were refused, addresses and names, the command_status. */
export type Unsuccessful = ReadonlyMap<string, string>

export const isMultiResp = (frame: Frame | undefined): boolean =>
  frame?.command_id === responseId(COMMAND_IDS.submit_multi)

/** Those that a positive submit_multi_resp names; any other frame names none. */
export function unsuccessfulIn(frame: Frame | undefined): Unsuccessful {
  if (frame === undefined || !isMultiResp(frame) || frame.command_status !== 0) return new Map()
  const decoded = decodeBody('submit_multi_resp', Buffer.from(frame.body))
  const all = decoded.ok ? decoded.body.unsuccess_sme : []
  return new Map(all.map(of => [of.destination_addr, statusText(of.error_status_code)]))
}

/**
 * submit_multi as docs/decisions/0019 has it: the response names those that were refused, for a reason that is true, and all
 * others are in the log. Lists are expanded here once more, as one of the revisions had them that the node can have known.
 */
export class MultiRules {
  /** Destinations that were refused one by one. */
  refusals = 0
  private readonly parts: MultiRulesParts
  private readonly revisions: { index: number; lists: readonly DistributionList[] }[] = []

  constructor(parts: MultiRulesParts) {
    this.parts = parts
  }

  onSettings(index: number, { distributionLists = [] }: GatewaySettings): void {
    this.revisions.push({ index, lists: distributionLists })
  }

  /**
   * A positive response has come.
   *
   * @returns  whom it was sent to, refused or not
   */
  onAnswered(sending: Sending, unsuccessful: Unsuccessful): ReadonlySet<string> {
    this.refusals += unsuccessful.size
    const { seenIndex, messages } = sending
    const known = this.revisions.findLastIndex(({ index }) => index <= seenIndex)
    let wrong = ''
    for (const { lists } of this.revisions.slice(Math.max(0, known)).reverse()) {
      const meant = expanded(sending, lists)
      const problem = problemOf(sending, unsuccessful, meant)
      if (problem === '') return meant.addresses
      wrong ||= problem
    }
    const [first] = messages.values()
    this.parts.violations.fail('a submit_multi is told truly', wrong, first?.tag ?? '')
    return new Set(messages.keys())
  }
}

interface Meant {
  addresses: ReadonlySet<string>
  unknown: ReadonlySet<string>
}

/** The account's own list of a name comes before one of all. */
function expanded(
  { account, addresses, lists }: Sending,
  defined: readonly DistributionList[],
): Meant {
  const all = new Set(addresses)
  const unknown = new Set<string>()
  for (const name of lists) {
    const named = defined.filter(list => list.name === name)
    const list =
      named.find(each => each.account === account) ?? named.find(each => each.account === null)
    if (list === undefined) unknown.add(name)
    else for (const member of list.members) all.add(member)
  }
  return { addresses: all, unknown }
}

/** What does not fit, where it went to these; or ''. */
function problemOf(
  { messages }: Sending,
  told: Unsuccessful,
  { addresses, unknown }: Meant,
): string {
  for (const name of unknown)
    if (told.get(name) !== 'ESME_RINVDLNAME') return `${name} is no list, and that is not said`
  for (const [name, status] of told) {
    if (unknown.has(name)) continue
    if (!addresses.has(name)) return `${name} was refused ${status}, and is not meant`
    if ((status === 'ESME_RINVDSTADR') === name.startsWith(ROUTED))
      return `${name} was refused ${status}`
  }
  for (const [address, { tag, refs, first }] of messages) {
    const isIn = refs.length > 0 || first !== undefined
    const should = addresses.has(address) && !told.has(address)
    if (isIn !== should) return `${tag} is ${isIn ? '' : 'not '}in the log`
    if (should && !address.startsWith(ROUTED)) return `${tag} has no route, and was accepted`
  }
  return ''
}
