import type { z } from 'zod'
import type { GatewaySettings, TlvActions, TlvDirection, VendorTlv } from '../policy/settings.js'
import { TLV_DIRECTIONS } from '../policy/settings.js'
import { standardTlv, VENDOR_TLV_OCTETS } from '../policy/tlv-rules.js'
import type { Finding } from './gateway-checks.js'
import { suggestion } from './nearest.js'
import * as v from './values.js'

// Vendors' TLVs in a gateway file: the registry `tlvs`, and the rules of accounts and connectors that name its entries.

const tag = v.value('a tag such as 0x1401', text => {
  if (!/^(0x[0-9a-fA-F]{1,4}|\d{1,5})$/.test(text)) return undefined
  const number = Number(text)
  return number >= 1 && number <= 0xffff ? number : undefined
})

const registryEntry = v.section({
  name: v.identifier,
  tag,
  type: v.choice('uint8', 'uint16', 'uint32', 'uint64', 'cstring', 'octets'),
  min: v.count(0, 0xffff).optional(),
  max: v.count(0, 0xffff).optional(),
  directions: v
    .list(v.choice(...TLV_DIRECTIONS), {
      least: 1,
      expected: `a list of ${TLV_DIRECTIONS.join(', ')}`,
    })
    .prefault([...TLV_DIRECTIONS]),
})

export const tlvRegistry = v.list(registryEntry, { most: 1000, expected: 'a list of TLVs' })

const rules = <const W extends string>(...words: W[]) =>
  v.table(/^/, 'the name of a TLV', { words })

/** Only what an ESME submits can be refused: a receipt or an MO that we refuse is lost, or comes for ever. */
export const accountTlvs = v.section({
  from: rules('allow', 'strip', 'require', 'refuse'),
  to: rules('allow', 'strip'),
})
export const connectorTlvs = v.section({
  from: rules('allow', 'strip'),
  to: rules('allow', 'strip', 'require', 'refuse'),
})

/** The entry with all that it leaves out. */
export function vendorTlvOf({
  min,
  max,
  directions,
  ...entry
}: z.infer<typeof registryEntry>): VendorTlv {
  const [least, most] = VENDOR_TLV_OCTETS[entry.type]
  return {
    ...entry,
    min: min ?? least,
    max: max ?? most,
    ...(TLV_DIRECTIONS.every(one => directions.includes(one)) ? {} : { directions }),
  }
}

/** The key `tlvs` of an account or connector: only the directions that have rules, and none where neither has. */
export function tlvActionsOf({ from, to }: Required<TlvActions>): { tlvs?: TlvActions } {
  const some = (actions: object): boolean => Object.keys(actions).length > 0
  if (!some(from) && !some(to)) return {}
  return { tlvs: { ...(some(from) ? { from } : {}), ...(some(to) ? { to } : {}) } }
}

/** @param lineOf  words for where another entry stands: `line 12` */
export function tlvFindings(
  { tlvs = [], accounts, connectors }: GatewaySettings,
  lineOf: (path: readonly PropertyKey[]) => string,
): Finding[] {
  const found: Finding[] = []
  const error = (path: PropertyKey[], message: string): void => {
    found.push({ severity: 'error', path, message })
  }
  tlvs.forEach(({ name, tag, type, min, max }, i) => {
    const standard = standardTlv(tag)
    if (standard !== undefined)
      error(['tlvs', i, 'tag'], `${hex(tag)} is ${standard} of the standard, not a vendor's`)
    const named = tlvs.findIndex(other => other.name === name)
    if (named < i)
      error(['tlvs', i, 'name'], `${name} is used already, in ${lineOf(['tlvs', named, 'name'])}`)
    const tagged = tlvs.findIndex(other => other.tag === tag)
    if (tagged < i)
      error(
        ['tlvs', i, 'tag'],
        `${hex(tag)} is used already, in ${lineOf(['tlvs', tagged, 'tag'])}`,
      )
    const [least, most] = VENDOR_TLV_OCTETS[type]
    if (min < least || min > most)
      error(['tlvs', i, 'min'], `a ${type} has ${octets(least, most)}, not ${min}`)
    if (max < least || max > most)
      error(['tlvs', i, 'max'], `a ${type} has ${octets(least, most)}, not ${max}`)
    if (min > max) error(['tlvs', i, 'max'], `expected at least min, which is ${min}`)
  })
  const names = tlvs.map(({ name }) => name)
  const check = (
    at: PropertyKey[],
    actions: Record<string, unknown> | undefined,
    direction: TlvDirection,
  ): void => {
    for (const name of Object.keys(actions ?? {})) {
      const tlv = tlvs.find(one => one.name === name)
      if (tlv === undefined)
        error([...at, name], `no TLV of that name in tlvs${suggestion(name, names)}`)
      else if (tlv.directions?.includes(direction) === false)
        error([...at, name], `its directions in tlvs are ${tlv.directions.join(', ')}`)
    }
  }
  accounts.forEach(({ tlvs }, i) => {
    check(['accounts', i, 'tlvs', 'from'], tlvs?.from, 'fromEsmes')
    check(['accounts', i, 'tlvs', 'to'], tlvs?.to, 'toEsmes')
  })
  connectors.forEach(({ tlvs }, i) => {
    check(['connectors', i, 'tlvs', 'from'], tlvs?.from, 'fromSmscs')
    check(['connectors', i, 'tlvs', 'to'], tlvs?.to, 'toSmscs')
  })
  return found
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(4, '0')}`

const octets = (least: number, most: number): string =>
  least === most ? `${least} octets` : `${least} to ${most} octets`
