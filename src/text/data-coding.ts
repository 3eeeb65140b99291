import type { Alphabet } from './alphabets.js'

/** How an octet of data_coding reads. */
export interface DataCoding {
  /**
   * `default`: the SMSC's own, which is what the account or connector calls its `defaultAlphabet`. `octets`: no text.
   * `unknown`: reserved.
   */
  alphabet: Alphabet | 'default' | 'octets' | 'unknown'
  /** Message class; 0 is shown at once (flash). */
  class?: 0 | 1 | 2 | 3
  /** Message waiting indication. */
  mwi?: { kind: 'voicemail' | 'fax' | 'email' | 'other'; active: boolean; store: boolean }
  /** By 3GPP TS 23.042: nothing can be read. */
  compressed?: true
  /** The mobile may delete it once it is read. */
  autoDelete?: true
}

/**
 * Reads data_coding: values up to 0x0f as SMPP has them, those above as the data coding scheme of GSM, which SMSCs take there.
 *
 * Source: SMPP 3.4 §5.2.19; 3GPP TS 23.038 §4.
 */
export function describeDataCoding(data_coding: number): DataCoding {
  if (data_coding < 0x10) return { alphabet: SMPP[data_coding]! }
  const low = data_coding & 0x03
  switch (data_coding >> 4) {
    case 0xc:
    case 0xd:
    case 0xe: {
      const active = (data_coding & 0x08) !== 0
      const store = data_coding >= 0xd0
      const alphabet = data_coding < 0xe0 ? 'default' : 'ucs2'
      return { alphabet, mwi: { kind: MWI_KINDS[low]!, active, store } }
    }
    case 0xf: {
      const alphabet = (data_coding & 0x04) === 0 ? 'default' : 'octets'
      return { alphabet, class: low as 0 | 1 | 2 | 3 }
    }
    default: {
      if (data_coding >= 0x80) return { alphabet: 'unknown' }
      const compressed = (data_coding & 0x20) !== 0
      return {
        alphabet: compressed ? 'octets' : GENERAL[(data_coding >> 2) & 0x03]!,
        ...((data_coding & 0x10) === 0 ? {} : { class: low as 0 | 1 | 2 | 3 }),
        ...(compressed ? { compressed } : {}),
        ...(data_coding >= 0x40 ? { autoDelete: true } : {}),
      }
    }
  }
}

/**
 * The data_coding that says the same of a text in UCS-2 as this one of a text in the default alphabet; undefined where there
 * is none (an indication that is not stored).
 */
export function asUcs2(data_coding: number): number | undefined {
  if (data_coding === 0) return 0x08
  switch (data_coding >> 4) {
    case 0xc:
      return undefined
    case 0xd:
      return data_coding + 0x10
    case 0xf:
      return 0x18 | (data_coding & 0x03)
    default:
      return data_coding | 0x08
  }
}

/** Source: SMPP 3.4 §5.2.19. What JIS stands for there is what SMSCs of that market write. */
const SMPP: readonly DataCoding['alphabet'][] = [
  'default',
  'ia5',
  'octets',
  'latin1',
  'octets',
  'shift_jis',
  'cyrillic',
  'hebrew',
  'ucs2',
  'unknown', // pictogram
  'iso-2022-jp',
  'unknown',
  'unknown',
  'euc-jp',
  'euc-kr',
  'unknown',
]

/** Source: 3GPP TS 23.038 §4, general data coding indication. */
const GENERAL = ['default', 'octets', 'ucs2', 'unknown'] as const

const MWI_KINDS = ['voicemail', 'fax', 'email', 'other'] as const
