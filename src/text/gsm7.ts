import { LANGUAGES, LOCKING, SINGLE } from './gsm7-tables.js'

export type Language = (typeof LANGUAGES)[number]

/** Which tables septets are of; `default`: the default alphabet, and its extension. */
export interface Languages {
  locking: Language
  single: Language
}

export const DEFAULT_LANGUAGES: Languages = { locking: 'default', single: 'default' }

/** The next septet is of the single shift table. */
export const ESCAPE = 0x1b

/**
 * The text as septets, one to an octet.
 *
 * @returns  undefined where a character is in neither table
 * Source: 3GPP TS 23.038 §6.2.1.
 */
export function encodeGsm7(text: string, languages = DEFAULT_LANGUAGES): Buffer | undefined {
  const septetsOf = writer(languages)
  const out = Buffer.alloc(2 * text.length)
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const septets = septetsOf.get(text[i]!)
    if (septets === undefined) return undefined
    if (septets > 0x7f) out[at++] = ESCAPE
    out[at++] = septets & 0x7f
  }
  return out.subarray(0, at)
}

/**
 * The text of septets, one to an octet. What a table does not have is shown as the standard has it: after an escape the
 * character of the main table, an escape that nothing follows as a space. Octets above 7f are `�`.
 *
 * Source: 3GPP TS 23.038 §6.2.1, §6.2.1.1 note 1, §6.2.1.2.
 */
export function decodeGsm7(septets: Buffer, languages = DEFAULT_LANGUAGES): string {
  const main = tableOf(LOCKING, languages.locking)
  const single = tableOf(SINGLE, languages.single)
  let text = ''
  for (let at = 0; at < septets.length; at++) {
    let septet = septets[at]!
    if (septet !== ESCAPE) text += main[septet] || shownAs(septet)
    else if (++at === septets.length) text += ' '
    else {
      septet = septets[at]!
      text += single[septet] || main[septet] || shownAs(septet)
    }
  }
  return text
}

/** The language of an identifier in a user data header; undefined where it is reserved. */
export function languageOf(identifier: number): Language | undefined {
  return LANGUAGES[identifier]
}

const shownAs = (septet: number): string => (septet > 0x7f ? '\ufffd' : ' ')

function tableOf(tables: readonly (readonly string[])[], language: Language): readonly string[] {
  const table = tables[LANGUAGES.indexOf(language)]!
  return table.length > 0 ? table : tables[0]! // Spanish has no locking shift table
}

/** Septet by character; 0x80 and more: after an escape. */
function writer({ locking, single }: Languages): ReadonlyMap<string, number> {
  const key = `${locking} ${single}`
  let septets = WRITERS.get(key)
  if (septets === undefined) {
    septets = new Map()
    // Where a table has a character twice, or both have it, the shortest and first counts.
    tableOf(SINGLE, single).forEach((character, septet) => add(septets!, character, 0x80 | septet))
    const main = new Map<string, number>()
    tableOf(LOCKING, locking).forEach((character, septet) => add(main, character, septet))
    for (const [character, septet] of main) septets.set(character, septet)
    WRITERS.set(key, septets)
  }
  return septets
}

function add(septets: Map<string, number>, character: string, septet: number): void {
  if (character !== '' && !septets.has(character)) septets.set(character, septet)
}

/** At most 14 × 14. */
const WRITERS = new Map<string, Map<string, number>>()
