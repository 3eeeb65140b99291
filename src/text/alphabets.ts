import iconv from 'iconv-lite'
import { decodeGsm7, encodeGsm7, ESCAPE } from './gsm7.js'
import { decodeIso2022Jp, encodeIso2022Jp } from './iso-2022-jp.js'
import { packSeptets, unpackSeptets } from './septets.js'

/** What data_coding 0 may stand for: an account's or a connector's `defaultAlphabet`. */
export const DEFAULT_ALPHABETS = ['gsm7', 'gsm7-packed', 'latin1', 'ia5'] as const
export type DefaultAlphabet = (typeof DEFAULT_ALPHABETS)[number]

export const ALPHABETS = [
  ...DEFAULT_ALPHABETS,
  'cyrillic',
  'hebrew',
  'ucs2',
  'shift_jis',
  'iso-2022-jp',
  'euc-jp',
  'euc-kr',
] as const

/**
 * How text is written as octets. gsm7: 3GPP TS 23.038, a septet to an octet; gsm7-packed: eight septets in seven octets;
 * ia5: ISO 646, ASCII; cyrillic, hebrew: ISO 8859-5 and -8; ucs2: UTF-16 with the most significant octet first, for
 * pairs of surrogates occur.
 */
export type Alphabet = (typeof ALPHABETS)[number]

/** @returns undefined where the alphabet lacks a character */
export function encodeText(alphabet: Alphabet, text: string): Buffer | undefined {
  switch (alphabet) {
    case 'gsm7':
      return encodeGsm7(text)
    case 'gsm7-packed': {
      const septets = encodeGsm7(text)
      return septets === undefined ? undefined : packSeptets(septets)
    }
    case 'ia5':
      return IA5.test(text) ? Buffer.from(text, 'latin1') : undefined
    case 'latin1':
      return LATIN1.test(text) ? Buffer.from(text, 'latin1') : undefined
    case 'ucs2':
      return Buffer.from(text, 'utf16le').swap16()
    case 'iso-2022-jp':
      return encodeIso2022Jp(text)
    default: {
      // iconv-lite puts a `?` for what it lacks: it is there if it reads the same.
      const octets = iconv.encode(text, CHARSETS[alphabet])
      return iconv.decode(octets, CHARSETS[alphabet]) === text ? octets : undefined
    }
  }
}

/** The same, with `?` for each character that the alphabet lacks. */
export function encodeTextLossy(alphabet: Alphabet, text: string): Buffer {
  const whole = encodeText(alphabet, text)
  if (whole !== undefined) return whole
  let known = ''
  for (const character of text)
    known += encodeText(alphabet, character) === undefined ? '?' : character
  return encodeText(alphabet, known) ?? Buffer.alloc(0)
}

/** Octets that are none of the alphabet's become `�`. */
export function decodeText(alphabet: Alphabet, octets: Buffer): string {
  switch (alphabet) {
    case 'gsm7':
      return decodeGsm7(octets)
    case 'gsm7-packed':
      return decodeGsm7(unpackSeptets(octets))
    case 'ia5':
      return octets.toString('latin1').replace(/[\x80-\xff]/g, '\ufffd')
    case 'latin1':
      return octets.toString('latin1')
    case 'ucs2': {
      const whole = octets.subarray(0, octets.length & ~1)
      return (
        Buffer.from(whole).swap16().toString('utf16le') + (octets.length % 2 === 0 ? '' : '\ufffd')
      )
    }
    case 'iso-2022-jp':
      return decodeIso2022Jp(octets)
    default:
      return iconv.decode(octets, CHARSETS[alphabet])
  }
}

/**
 * Octets of the character at `at`: between two of them a text may be cut. Of packed septets, and of ISO-2022-JP, whose octets
 * mean what an earlier escape says, nobody can tell.
 */
export function characterOctets(
  alphabet: Exclude<Alphabet, 'gsm7-packed' | 'iso-2022-jp'>,
  octets: Buffer,
  at: number,
): number {
  return Math.min(octets.length - at, wanted(alphabet, octets, at))
}

function wanted(alphabet: Alphabet, octets: Buffer, at: number): number {
  const first = octets[at]!
  switch (alphabet) {
    case 'gsm7':
      return first === ESCAPE ? 2 : 1
    case 'ucs2': {
      const next = octets[at + 2] ?? 0
      return (first & 0xfc) === 0xd8 && (next & 0xfc) === 0xdc ? 4 : 2
    }
    case 'shift_jis':
      return (first >= 0x81 && first <= 0x9f) || first >= 0xe0 ? 2 : 1
    case 'euc-jp':
      return first === 0x8f ? 3 : first >= 0x80 ? 2 : 1
    case 'euc-kr':
      return first >= 0x80 ? 2 : 1
    default:
      return 1
  }
}

const IA5 = /^[\x00-\x7f]*$/
const LATIN1 = /^[\x00-\xff]*$/

const CHARSETS = {
  cyrillic: 'iso88595',
  hebrew: 'iso88598',
  shift_jis: 'shift_jis',
  'euc-jp': 'eucjp',
  'euc-kr': 'euckr',
} as const
