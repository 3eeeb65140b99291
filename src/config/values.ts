import { isIP } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { parseAddress } from '../base/address.js'
import { parseCidr } from '../policy/cidr.js'
import { durationMs } from './duration.js'
import { sizeOctets } from './size.js'
import { suggestion } from './nearest.js'

/**
 * How each kind of value is written. Files hand in text (see document.ts), never numbers; `null`,
 * `~` and nothing mean that there is none.
 */

/** Whole and not negative; underscores may group digits: 10_000_000. */
export const count = (least = 0, most = Number.MAX_SAFE_INTEGER) =>
  value(`a whole number from ${least} to ${most}`, text => {
    if (!/^\d[\d_]*$/.test(text)) return undefined
    const number = Number(text.replaceAll('_', ''))
    return number >= least && number <= most ? number : undefined
  })

/** `500ms`, `10s`, `90m`, `1h`, `3d`, `0s`; in milliseconds. */
export const duration = (leastMs = 0) =>
  value(`a duration such as 500ms, 10s, 5m, 1h or 3d${atLeast(leastMs)}`, text => {
    const ms = durationMs(text)
    return ms !== undefined && ms >= leastMs ? ms : undefined
  })

const atLeast = (ms: number): string => (ms > 0 ? `, at least ${ms}ms` : '')

/** `500/s`, `30/m`, `unlimited`; per second, null for no limit. */
export const rate = value('a rate such as 500/s, or unlimited', text => {
  if (text === 'unlimited' || isNone(text)) return { perSecond: null }
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*\/\s*(s|m|h)$/.exec(text) ?? []
  if (number === undefined || unit === undefined || Number(number) <= 0) return undefined
  return { perSecond: Number(number) / ({ s: 1, m: 60, h: 3600 }[unit] ?? 1) }
}).transform(({ perSecond }) => perSecond)

/** `65536`, `64KiB`, `4MB`; in octets. */
export const size = (least: number, most: number) =>
  value(`a size such as 64KiB or 4MB, from ${least} to ${most} octets`, text => {
    const octets = sizeOctets(text)
    return octets !== undefined && octets >= least && octets <= most ? octets : undefined
  })

export const flag = value('true or false', text =>
  text === 'true' ? true : text === 'false' ? false : undefined,
)

/** Text of `least` to `most` octets. */
export const text = (least = 0, most = 1000) =>
  value(`text of ${least} to ${most} octets`, text => {
    const octets = Buffer.byteLength(text)
    return octets >= least && octets <= most ? text : undefined
  })

/** The same, but no message ever shows it. */
export const secretText = (least = 0, most = 1000) =>
  value(`text of ${least} to ${most} octets`, (text, fail) => {
    const octets = Buffer.byteLength(text)
    if (octets >= least && octets <= most) return text
    fail(`expected text of ${least} to ${most} octets, not of ${octets}`)
    return undefined
  })

/** A name that can stand in a path, a label and a command line. */
export const identifier = value('a name of letters, digits and . _ - (1 to 64)', text =>
  /^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : undefined,
)

/** One of a few words. */
export const choice = <const T extends string>(...words: T[]) =>
  value(`one of ${words.join(', ')}`, (text, fail) => {
    const found = words.find(word => word === text)
    if (found === undefined) fail(`expected one of ${words.join(', ')}, not ${show(text)}`)
    return found
  })

/** `127.0.0.1:2775`, `[::1]:2775`, `smsc.example.net:2775`; port 0 lets the system choose. */
export const address = value('host:port, such as 127.0.0.1:2775 or [::1]:2775', parseAddress)

/** A host alone. */
export const host = value('a host name or an address', text =>
  isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(text) ? text : undefined,
)

export const cidr = value('an address range such as 10.0.0.0/8 or ::1/128', text =>
  parseCidr(text) === undefined ? undefined : text,
)

/** A path, made absolute from `directory`; null: relative paths are refused. */
export const path = (directory: string | null) =>
  value('a path', (text, fail) => {
    if (text === '') return undefined
    if (isAbsolute(text)) return text
    if (directory !== null) return resolve(directory, text)
    fail('expected an absolute path: the node that receives this file reads it on its own disk')
    return undefined
  })

/** What `inner` reads, or null where nothing, `null` or `~` stands. */
export const orNull = <T>(inner: z.ZodType<T>) =>
  z.preprocess(raw => (raw === undefined || isNone(raw) ? null : raw), inner.nullable())

/** A list; nothing after the colon is an empty one. */
export const list = <T>(
  inner: z.ZodType<T>,
  options: { least?: number; most?: number; expected?: string } = {},
) => {
  const { least = 0, most = Infinity, expected = 'a list' } = options
  return z.preprocess(
    raw => (raw === undefined || isNone(raw) ? [] : raw),
    z
      .array(inner, { error: ({ input }) => `expected ${expected}, not ${show(input)}` })
      .min(least, { error: `expected ${expected} of at least ${least}` })
      .max(most, { error: `expected ${expected} of at most ${most}` }),
  )
}

/** A mapping with these keys and no others; nothing after the colon is an empty one. */
export function section<S extends Record<string, z.ZodType>>(shape: S) {
  const schema = z.preprocess(raw => (raw === undefined || isNone(raw) ? {} : raw), strict(shape))
  SHAPES.set(schema, shape)
  return schema
}

/** A section, or null where it is not given. */
export function optionalSection<S extends Record<string, z.ZodType>>(shape: S) {
  const schema = z.preprocess(
    raw => (raw === undefined || isNone(raw) ? null : raw),
    strict(shape).nullable(),
  )
  SHAPES.set(schema, shape)
  return schema
}

/** A mapping whose keys are not known beforehand, to one of a few words. */
export const table = <const W extends string>(
  keys: RegExp,
  expectedKey: string,
  { words }: { words: W[] },
) =>
  z.preprocess(
    raw => (raw === undefined || isNone(raw) ? {} : raw),
    z.record(z.string().regex(keys), choice(...words), {
      error: ({ code, input }) =>
        code === 'invalid_key'
          ? `expected ${expectedKey}, not ${show(input)}`
          : `expected a mapping from ${expectedKey}, not ${show(input)}`,
    }),
  )

/** Keys of a section, for what has to know them all (environment.ts). */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  return SHAPES.get(schema)
}

const SHAPES = new WeakMap<z.ZodType, Record<string, z.ZodType>>()

function strict<S extends Record<string, z.ZodType>>(shape: S) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    // One line for each unknown key: problems.ts takes them apart again.
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map(key => `unknown key${suggestion(key, known)}`).join('\n')
        : `expected a mapping with the keys ${known.join(', ')}, not ${show(issue.input)}`,
  })
}

/** What a mistaken value looked like, short. What is inside lists and mappings may be secret. */
export function show(raw: unknown): string {
  if (raw === undefined || raw === '') return 'nothing'
  if (typeof raw !== 'string') return Array.isArray(raw) ? 'a list' : 'a mapping'
  return raw.length > 60 ? `${raw.slice(0, 57)}…` : raw
}

/** One value; `read` returns undefined, or calls `fail` with a better sentence, where it is wrong. */
export function value<T extends string | number | boolean | object>(
  expected: string,
  read: (text: string, fail: (message: string) => void) => T | undefined,
) {
  return z.unknown().transform((raw, context): T => {
    let message = raw === undefined ? `is missing: expected ${expected}` : ''
    if (typeof raw === 'string') {
      const got = read(raw, better => (message = better))
      if (got !== undefined) return got
    }
    context.addIssue(message === '' ? `expected ${expected}, not ${show(raw)}` : message)
    return z.NEVER
  })
}

function isNone(raw: unknown): boolean {
  return raw === '' || raw === 'null' || raw === '~'
}
