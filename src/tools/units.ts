import { InvalidArgumentError, Option } from 'commander'
import { parseAddress, type Address } from '../base/address.js'
import type { Tlv } from '../smpp/codec.js'
import { COMMAND_STATUS, type CommandStatus } from '../smpp/command-status.js'

/**
 * How the tools read what stands on their command line. Each takes the text of one argument and
 * throws commander's InvalidArgumentError with what was expected. None returns null or undefined, of
 * which commander would make ''.
 */

/** An option whose default is shown in words; JSON would show the parsed value. */
export function option<T>(
  flags: string,
  description: string,
  parse: (text: string) => T,
  value: T,
  shown: string,
): Option {
  return new Option(flags, description).argParser(parse).default(value, shown)
}

/** `127.0.0.1:2775`, `[::1]:2775`, or a port alone, on this machine. */
export function hostPort(text: string): Address {
  const address = parseAddress(/^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text)
  if (address === undefined)
    throw new InvalidArgumentError('Expected host:port, such as 127.0.0.1:2775.')
  return address
}

/** A list with commas; repeated options add to it. */
export function hostPorts(text: string, before?: Address[]): Address[] {
  return [...(before ?? []), ...text.split(',').filter(Boolean).map(hostPort)]
}

/** A whole number from `least` to `most`; underscores may group digits. */
export function whole(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text.replaceAll('_', ''))
    if (/^\d[\d_]*$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
  }
}

/** `0x11` or `17`. */
export function octet(text: string): number {
  if (/^(?:0x[\da-f]{1,2}|\d{1,3})$/i.test(text) && Number(text) <= 0xff) return Number(text)
  throw new InvalidArgumentError('Expected an octet such as 0x11.')
}

/** `0x1401=0a0b`: a tag, and the value in hexadecimal; repeated options add to it. */
export function tlvs(text: string, before?: Tlv[]): Tlv[] {
  const [, tag, value] = /^(0x[\da-f]{1,4}|\d{1,5})=((?:[\da-f]{2})*)$/i.exec(text) ?? []
  if (tag === undefined || value === undefined || Number(tag) > 0xffff)
    throw new InvalidArgumentError('Expected a TLV such as 0x1401=0a0b.')
  return [...(before ?? []), { tag: Number(tag), value: Buffer.from(value, 'hex') }]
}

/** `20000/s`, `600/m`, or a number alone, a second; `unlimited` is Infinity. */
export function perSecond(text: string): number {
  if (text === 'unlimited') return Infinity
  const [, number, unit] = /^(\d+(?:\.\d+)?)(?:\/([sm]))?$/.exec(text.replaceAll('_', '')) ?? []
  const rate = Number(number) / (unit === 'm' ? 60 : 1)
  if (rate > 0) return rate
  throw new InvalidArgumentError('Expected a rate such as 500/s, or unlimited.')
}

/** A rate as options hold it: null where there is no limit. */
export function limit(rate: number | undefined): number | null {
  return rate === undefined || rate === Infinity ? null : rate
}

/** `500ms`, `10s`, `5m`, `1h`; a number alone is in `unit`. In milliseconds. */
export function duration(unit: 'ms' | 's'): (text: string) => number {
  return text => {
    const [, number, given = unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
    const ms = Number(number) * DURATIONS[given as keyof typeof DURATIONS]
    if (ms >= 0 && ms <= 30 * 24 * DURATIONS.h) return ms
    throw new InvalidArgumentError('Expected a duration such as 500ms, 10s or 5m.')
  }
}

const DURATIONS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `0.05` or `5%`, as a share from 0 to 1. */
export function share(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%)?$/.exec(text) ?? []
  const value = Number(number) / (percent === undefined ? 1 : 100)
  if (value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('Expected a share such as 0.05 or 5%.')
}

/** `on`, `off`, or a share: as a share. */
export function onOffOrShare(text: string): number {
  return text === 'on' ? 1 : text === 'off' ? 0 : share(text)
}

/** `ESME_RSYSERR:3,ESME_RINVDSTADR`: names and their weights (1 where none is given). */
export function weights(what: string, known: (name: string) => boolean) {
  return (text: string): Record<string, number> => {
    const entries = text.split(',').map((part): [string, number] => {
      const [name = '', weight = '1'] = part.trim().split(':')
      if (!known(name) || !(Number(weight) > 0)) {
        throw new InvalidArgumentError(`Expected ${what}, with weights: NAME:3,NAME:1.`)
      }
      return [name, Number(weight)]
    })
    return Object.fromEntries(entries)
  }
}

/** Of a command_status by its name, or by its number: `0x411`, `1041`. Undefined: neither. */
export function statusNumber(text: string): number | undefined {
  if (isCommandStatus(text)) return COMMAND_STATUS[text]
  return /^(?:0x[\da-f]{1,8}|\d{1,10})$/i.test(text) && Number(text) <= 0xffffffff
    ? Number(text)
    : undefined
}

export function isCommandStatus(name: string): name is CommandStatus {
  return Object.hasOwn(COMMAND_STATUS, name)
}

/** 12,345 */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',') // toLocaleString takes 50 µs
}

/** 12.3 ms, 1.4 s */
export function msText(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`
}
