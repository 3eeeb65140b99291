import type { SubmitPort, Submitted } from '../api/ports.js'
import type { SendRequest } from '../api/shapes.js'
import type { Clock } from '../base/clock.js'
import type { AccountState, ConnectorState, Journal } from '../journal/index.js'
import {
  addressHash,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_SCHEDULED,
  FLAG_WATCHED,
  refOf,
  schedules,
} from '../journal/index.js'
import type { AccountRates } from '../front/index.js'
import { refusalOf, REFUSALS, type RefusalCode } from '../front/refusals.js'
import { dueOf } from '../front/submit-times.js'
import { chooseConnector, findRoute } from '../policy/route.js'
import { tlvRulesOf } from '../policy/tlv-rules.js'
import { defaultAlphabetOf, isDisabled } from '../policy/settings.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import { textSubmitBody } from './text-message.js'

/** Text in any account's name that an HTTP answer says no with. */
const HTTP_STATUS: Partial<Record<RefusalCode, number>> = {
  throttled: 429,
  queueFull: 429,
  noRoute: 422,
  noAccount: 404,
  accountDisabled: 403,
  notCommitted: 503,
  notReady: 503,
  tlvMissing: 422,
}

/**
 * Submits that come over HTTP: as a submit_sm of the account, and bound by the same rate (this node's share of it)
 * and queue limits. Their receipts are owed to no ESME (FLAG_WATCHED): they show under the message's id.
 */
export class HttpSubmits implements SubmitPort {
  private readonly journal: Journal
  private readonly clock: Clock
  private readonly rates: () => AccountRates | undefined
  private readonly ready: () => boolean
  private readonly reader = new SubmitReader()

  /**
   * @param rates  undefined: the node has not come so far
   * @param ready  false: this node takes nothing new
   */
  constructor(
    journal: Journal,
    clock: Clock,
    rates: () => AccountRates | undefined,
    ready: () => boolean,
  ) {
    this.journal = journal
    this.clock = clock
    this.rates = rates
    this.ready = ready
  }

  submit(request: SendRequest): Promise<Submitted> {
    const { journal } = this
    const { state } = journal
    const rates = this.rates()
    if (rates === undefined || !this.ready())
      return refused('notReady', 'this node takes no messages now')
    const systemId = request.account ?? state.settings.accounts[0]?.systemId ?? ''
    const account = state.account(systemId)
    if (account?.settings === undefined)
      return refused(
        'noAccount',
        systemId === '' ? 'there are no accounts' : `there is no account ${systemId}`,
      )
    if (isDisabled(account.settings))
      return refused('accountDisabled', `account ${systemId} is disabled`)
    const body = bodyOf(request, defaultAlphabetOf(account.settings))
    if (typeof body === 'string')
      return Promise.resolve({
        ok: false,
        status: 400,
        command_status: 'ESME_RINVMSGLEN',
        detail: body,
      })
    if (this.reader.read(body, 'submit_sm') !== 0)
      return Promise.resolve({
        ok: false,
        status: 400,
        command_status: 'ESME_RINVDSTADR',
        detail: `${this.reader.parameter} is no address that SMPP can carry`,
      })
    if (!rates.take(state, account.number, this.clock.monotonicMs(), body))
      return refused('throttled', `${systemId} is over its throughput`)
    const connector = this.route(account)
    if (connector === undefined) return refused('noRoute', 'no route takes this message')
    const wrong =
      tlvRulesOf(state.settings, account.settings.tlvs?.from)?.problem(body) ??
      tlvRulesOf(state.settings, connector.settings?.tlvs?.to)?.problem(body)
    if (wrong !== undefined)
      return refused(
        wrong,
        `a TLV is required of ${systemId} or ${connector.id}; HTTP carries none`,
      )
    if (account.queued >= account.settings.queueLimit)
      return refused('queueFull', `${systemId} has reached its queueLimit`)
    const dueAtMs = this.dueAtMs(request.at)
    if (dueAtMs === undefined)
      return Promise.resolve({
        ok: false,
        status: 400,
        command_status: 'ESME_RINVSCHED',
        detail: `at: ${request.at} is over, or not all nodes of this cluster can schedule`,
      })
    if (dueAtMs > 0 && connector.schedules.isFull)
      return refused('queueFull', `connector ${connector.id} keeps no more scheduled messages`)
    return this.propose(account, connector, body, dueAtMs)
  }

  /** 0: at once; undefined: not possible. */
  private dueAtMs(at: string | undefined): number | undefined {
    if (at === undefined) return 0
    if (!schedules(this.journal.state)) return undefined
    return dueOf(Date.parse(at), this.clock.nowMs())
  }

  private propose(
    account: AccountState,
    connector: ConnectorState,
    body: Buffer,
    dueAtMs: number,
  ): Promise<Submitted> {
    const { journal, reader } = this
    const scheduled = dueAtMs > 0 ? FLAG_SCHEDULED | FLAG_EXPLICIT_VALIDITY : 0
    const record = {
      account: account.number,
      registered_delivery: reader.registered_delivery,
      flags: FLAG_WATCHED | scheduled,
      expiresAtMs: dueAtMs > 0 ? dueAtMs + journal.state.settings.validityMs : 0,
      dueAtMs,
      session: 0,
      addressHash: addressHash(body, reader.destination_addr_start, reader.destination_addr_end),
      body,
    }
    return new Promise(resolve => {
      const ticket = {
        accepted: (index: number, offset: number) =>
          resolve({ ok: true, id: journal.idOf(refOf(index, offset)) }),
        refused: (why: Parameters<typeof refusalOf>[0]) => resolve(refusal(refusalOf(why), why)),
      }
      const { revision } = journal.state
      const queued = journal.proposer.submit(connector.number, 0, revision, record, ticket)
      if (queued !== 'queued') ticket.refused(queued)
    })
  }

  private route(account: AccountState): ConnectorState | undefined {
    const { state } = this.journal
    const { source_addr, destination_addr } = this.reader
    const message = { account: account.systemId, source_addr, destination_addr }
    const route = findRoute(state.settings.routes, message)
    if (route === undefined) return undefined
    const id = chooseConnector(route.to, id => (state.connector(id)?.binds ?? 0) > 0)
    return id === undefined ? undefined : state.connector(id)
  }
}

/** The octets, or why there are none. */
function bodyOf({ to, from = '', text }: SendRequest, alphabet: DefaultAlphabet): Buffer | string {
  try {
    return textSubmitBody({ to, from, text }, alphabet) ?? 'the text is too long'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function refused(code: RefusalCode, detail: string): Promise<Submitted> {
  return Promise.resolve(refusal(code, detail))
}

function refusal(code: RefusalCode, detail: string): Submitted {
  const { command_status } = REFUSALS[code]
  return { ok: false, status: HTTP_STATUS[code] ?? 503, command_status, detail }
}
