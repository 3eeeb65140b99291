import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/** Why a request is turned away before anything of it is looked at; or that it may pass. */
export type Verdict =
  | { status: 401 | 403; detail: string }
  /** With which of the API keys, counted from 1; null where none is asked for. */
  | { status: 'passed'; key: number | null }

/**
 * Looks at a request's credentials. With API keys one of them must be shown, as `Authorization: Bearer KEY` or
 * `X-Api-Key: KEY`. Without any the API is open to this machine, but not to the web pages that its
 * browsers show: requests of other origins, and under names that are not this machine's, are turned away.
 */
export function gate(apiKeys: readonly string[]): (headers: IncomingHttpHeaders) => Verdict {
  if (apiKeys.length === 0) return turnPagesAway
  const digests = apiKeys.map(digest)
  return headers => {
    const shown = keyIn(headers)
    if (shown === undefined) return { status: 401, detail: 'an API key is needed' }
    const given = digest(shown)
    let key = 0
    // All of them, whichever fits: time tells nothing of the keys.
    for (const [i, expected] of digests.entries()) if (timingSafeEqual(expected, given)) key = i + 1
    return key > 0
      ? { status: 'passed', key }
      : { status: 401, detail: 'the API key is not known here' }
  }
}

function keyIn(headers: IncomingHttpHeaders): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
  if (bearer !== undefined) return bearer
  const key = headers['x-api-key']
  return typeof key === 'string' && key !== '' ? key : undefined
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function turnPagesAway(headers: IncomingHttpHeaders): Verdict {
  const { origin, host = '' } = headers
  if (origin !== undefined && hostOf(origin) !== host)
    return { status: 403, detail: 'requests of web pages of other origins need an API key' }
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  if (name !== '' && name !== 'localhost' && isIP(name) === 0)
    return {
      status: 403,
      detail: 'without API keys this node answers to its address only, not to a name',
    }
  return { status: 'passed', key: null }
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host
  } catch {
    return ''
  }
}
