import { SubmitReader } from '../smpp/submit-reader.js'
import { tlvName } from '../smpp/tlv-tags.js'
import type { GatewaySettings, TlvAction, VendorTlv } from './settings.js'

/** What rules have against a submit; the keys are those of the front end's refusals. */
export type TlvProblem = 'tlvMissing' | 'tlvLength' | 'tlvValue' | 'tlvNotAllowed'

/** Octets of a value by its type; a C-octet string has its NUL at least. */
export const VENDOR_TLV_OCTETS: Record<VendorTlv['type'], readonly [min: number, max: number]> = {
  uint8: [1, 1],
  uint16: [2, 2],
  uint32: [4, 4],
  uint64: [8, 8],
  cstring: [1, 0xffff],
  octets: [0, 0xffff],
}

/** The standard's name of a tag, which is no vendor's then. */
export const standardTlv = (tag: number): string | undefined => tlvName(tag)

/** The rules of one account or connector in one direction, by tag. */
export class TlvRules {
  private readonly rows: Map<number, { tlv: VendorTlv; action: TlvAction }> = new Map()
  private readonly required: readonly number[]
  private readonly strips: boolean

  /** A name that the registry does not have says nothing: the settings' check refuses it. */
  constructor(registry: readonly VendorTlv[], actions: Record<string, TlvAction>) {
    for (const tlv of registry) {
      const action = Object.hasOwn(actions, tlv.name) ? actions[tlv.name] : undefined
      if (action !== undefined) this.rows.set(tlv.tag, { tlv, action })
    }
    const rows = [...this.rows.values()]
    this.required = rows.filter(row => row.action === 'require').map(({ tlv }) => tlv.tag)
    this.strips = rows.some(({ action }) => action === 'strip')
  }

  /**
   * What is wrong with the TLVs of a submit_sm body, the first of it. What is stripped may be as it likes, and so may what
   * no rule names.
   */
  problem(body: Buffer): TlvProblem | undefined {
    if (reader.read(body, 'submit_sm') !== 0) return undefined
    for (let at = reader.tlvs_start; at < reader.tlvs_end;) {
      const end = at + 4 + body.readUInt16BE(at + 2)
      const row = this.rows.get(body.readUInt16BE(at))
      if (row?.action === 'refuse') return 'tlvNotAllowed'
      if (row !== undefined && row.action !== 'strip') {
        const wrong = valueProblem(row.tlv, body, at + 4, end)
        if (wrong !== undefined) return wrong
      }
      at = end
    }
    const missing = this.required.some(tag => reader.tlv(tag) === undefined)
    return missing ? 'tlvMissing' : undefined
  }

  /** The body without the TLVs that go no further: a copy, or `body` itself where there are none. */
  stripped(body: Buffer, command: 'submit_sm' | 'deliver_sm'): Buffer {
    if (!this.strips || reader.read(body, command) !== 0) return body
    const kept: Buffer[] = []
    let from = 0
    for (let at = reader.tlvs_start; at < reader.tlvs_end;) {
      const end = at + 4 + body.readUInt16BE(at + 2)
      if (this.rows.get(body.readUInt16BE(at))?.action === 'strip') {
        kept.push(body.subarray(from, at))
        from = end
      }
      at = end
    }
    return from === 0 ? body : Buffer.concat([...kept, body.subarray(from)])
  }
}

/**
 * Rules as they are needed for each message, made once for each revision of the settings.
 *
 * @param actions  of an account or connector of these settings, in one direction
 * @returns        undefined where there is no rule
 */
export function tlvRulesOf(
  { tlvs = [] }: GatewaySettings,
  actions: Record<string, TlvAction> | undefined,
): TlvRules | undefined {
  if (actions === undefined) return undefined
  let rules = made.get(actions)
  if (rules === undefined) made.set(actions, (rules = new TlvRules(tlvs, actions)))
  return rules
}

/** Each revision has objects of its own. */
const made = new WeakMap<Record<string, TlvAction>, TlvRules>()

const reader = new SubmitReader()

/** Source: SMPP 3.4 §3.1: a C-octet string has one NUL, at its end; §5.1.3 for what is said. */
function valueProblem(
  { type, min, max }: VendorTlv,
  body: Buffer,
  start: number,
  end: number,
): TlvProblem | undefined {
  if (end - start < min || end - start > max) return 'tlvLength'
  if (type !== 'cstring') return undefined
  return body.indexOf(0, start) === end - 1 ? undefined : 'tlvValue'
}
