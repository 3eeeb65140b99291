import type { Random } from '../../src/base/random.js'

/** What a message says. */
export interface Said {
  /** Octets as Latin-1. */
  text: string
  data_coding: number
}

/** Share of messages that are longer than one short message may be, and of their characters those that take up more. */
const LONG_SHARE = 0.12
const WIDE_SHARE = 0.05
const OCTETS = { min: 145, more: 460 }

/** SMPP 3.4 §5.2.19: the default alphabet, Latin-1, octets, UCS-2. */
const CODINGS = [0, 0, 3, 4, 8] as const

/** Something that nobody has said before, for it begins with `words`; some of it is long, in several alphabets. */
export function something(words: string, random: Random): Said {
  if (random.unit() >= LONG_SHARE) return { text: words, data_coding: 0 }
  const data_coding = CODINGS[random.below(CODINGS.length)]!
  const octets = OCTETS.min + random.below(OCTETS.more)
  const character = CHARACTERS[data_coding]
  let text = data_coding === 8 ? words.replace(/./g, '\0$&') : words
  while (text.length < octets) text += character(random)
  return { text, data_coding }
}

const letter = (random: Random): string => String.fromCharCode(97 + random.below(26))

/** The next character, in octets: an escape, a surrogate pair, a letter that UCS-2 alone has would be broken by a wrong cut. */
const CHARACTERS: Record<(typeof CODINGS)[number], (random: Random) => string> = {
  0: random => (random.unit() < WIDE_SHARE ? '\x1be' : letter(random)),
  3: random => (random.unit() < WIDE_SHARE ? '\xe9' : letter(random)),
  4: random => String.fromCharCode(random.below(256)),
  8: random => (random.unit() < WIDE_SHARE ? '\xd8\x3d\xde\x00' : `\0${letter(random)}`),
}
