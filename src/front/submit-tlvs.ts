import type { Account, Connector, GatewaySettings } from '../policy/settings.js'
import { tlvRulesOf, type TlvProblem } from '../policy/tlv-rules.js'

/** A submit's body without the TLVs that its account's rules let go no further; or what they have against it. */
export function tlvsFrom(
  settings: GatewaySettings,
  { tlvs }: Account,
  body: Buffer,
): Buffer | TlvProblem {
  if (tlvs === undefined) return body
  const rules = tlvRulesOf(settings, tlvs.from)
  return rules?.problem(body) ?? rules?.stripped(body, 'submit_sm') ?? body
}

/** What its connector's have. They are stripped where it goes out: who knows what the rules are then. */
export function tlvsTo(
  settings: GatewaySettings,
  connector: Connector | undefined,
  body: Buffer,
): TlvProblem | undefined {
  if (connector?.tlvs === undefined) return undefined
  return tlvRulesOf(settings, connector.tlvs.to)?.problem(body)
}
