import type { DistributionList, GatewaySettings } from '../../src/policy/settings.js'
import type { Concatenating } from '../../src/text/split.js'
import { LONG_MO_MS } from './mo-rules.js'
import { account, connector, gateway, route } from '../../src/testing/gateway.js'

/** Unanswered requests per bind, and binds: what can be in doubt at once. */
export const WINDOW = 20
export const BINDS = 2

/** smpp.submitTimeoutMs of every node. */
export const SUBMIT_TIMEOUT_MS = 3000

/** transactionTimeout, ms, by system_id: shorter, and longer, than a doubt at smsc-a lasts. */
export const TRANSACTION_MS: Readonly<Record<string, number>> = { esme1: 7000, esme2: 3500 }

/** resubmissionWindow, ms, by system_id; none is 0. */
export type Windows = ReadonlyMap<string, number>

/** How a connector cuts long messages. */
export interface Cutting {
  how: Concatenating
  /** Another revision of the settings cuts otherwise. */
  changes: boolean
  /** Its SMSC sends one receipt for all parts. */
  oneReceipt: boolean
}

/** By connector; of the others long messages go as they were given. */
export type Cuttings = ReadonlyMap<string, Cutting>

/** What of the settings a seed decides. */
export interface Traits {
  windows?: Windows | undefined
  cuttings?: Cuttings | undefined
}

/** Numbers begin with it, or have no route. */
export const ROUTED = '49'
const FORMS: readonly Concatenating[] = ['udh8', 'udh16', 'sar']

/** Two customers, two SMSCs; revisions differ in what a customer may do, who is in which list, and how parts are told. */
export function settingsOf(
  revision: number,
  { windows = new Map(), cuttings = new Map() }: Traits = {},
): GatewaySettings {
  const fields = {
    binds: BINDS,
    window: WINDOW,
    responseTimeoutMs: 2000,
    bindTimeoutMs: 2000,
    enquireLinkMs: 5000,
  }
  return gateway({
    accounts: [
      account('esme1', {
        window: 90 + revision,
        resubmissionWindowMs: windows.get('esme1') ?? 0,
        transactionTimeoutMs: TRANSACTION_MS['esme1']!,
        longMo: 'whole',
        longMoTimeoutMs: LONG_MO_MS,
      }),
      account('esme2', {
        resubmissionWindowMs: windows.get('esme2') ?? 0,
        transactionTimeoutMs: TRANSACTION_MS['esme2']!,
      }),
    ],
    connectors: [
      connector('smsc-a', {
        ...fields,
        ...longMessagesOf(cuttings.get('smsc-a'), revision),
        host: 'smsc-a',
        bindType: 'tx+rx',
        inDoubt: { kind: 'wait', ms: 3000 },
      }),
      connector('smsc-b', {
        ...fields,
        ...longMessagesOf(cuttings.get('smsc-b'), revision),
        host: 'smsc-b',
        inDoubt: { kind: 'resend' },
      }),
    ],
    distributionLists: listsOf(revision),
    routes: [
      route('zero', ['smsc-a', 'smsc-b'], { destinationPrefix: `${ROUTED}0` }),
      route('rest', ['smsc-b'], { destinationPrefix: ROUTED }),
    ],
  })
}

function longMessagesOf(
  cutting: Cutting | undefined,
  revision: number,
): { longMessages?: Concatenating; partReceipts?: 'one' } {
  if (cutting === undefined) return {}
  const { how, changes, oneReceipt } = cutting
  const at = FORMS.indexOf(how) + (changes ? revision : 0)
  return {
    longMessages: FORMS[at % FORMS.length]!,
    ...(oneReceipt && { partReceipts: 'one' as const }),
  }
}

/** What customers call them: of everybody and their own, of everybody, of one alone, and of nobody. */
export const LISTS = ['both', 'all', 'own', 'none'] as const
/** After so many revisions lists are the same again. */
export const LIST_REVISIONS = 4

/** Members come and go, so do lists; some member has no route. */
function listsOf(revision: number): DistributionList[] {
  const turn = revision % LIST_REVISIONS
  const numbers = Array.from({ length: 6 }, (_, i) => `${ROUTED}${i % 2}7${pad((i + turn) % 4)}`)
  const list = (name: string, account: string | null, members: string[]): DistributionList => ({
    name,
    account,
    ton: 0,
    npi: 0,
    members: [...new Set(members)],
  })
  const lists = [
    list('both', null, numbers.slice(0, 4)),
    list('all', null, [...numbers.slice(turn), `48${pad(turn)}`]),
  ]
  if (turn % 2 === 0) lists.push(list('both', 'esme1', numbers.slice(3)))
  if (turn < 2) lists.push(list('own', 'esme2', numbers.slice(1, 3)))
  return lists
}

const pad = (number: number): string => String(number).padStart(8, '0')
