import { isIP } from 'node:net'

/** Where something listens. */
export interface Address {
  host: string
  port: number
}

/** `127.0.0.1:2775`, `[::1]:2775`, `smsc.example.net:2775`; undefined: it is none. */
export function parseAddress(text: string): Address | undefined {
  const [, six, host = six, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || digits === undefined || Number(digits) > 65_535) return undefined
  if (six !== undefined && isIP(six) !== 6) return undefined
  return { host, port: Number(digits) }
}

/** An IPv6 address in brackets. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
