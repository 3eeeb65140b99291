import type { List, Problem } from '../api/shapes.js'
import { CommandFailed, EXIT } from './failure.js'

/** Speaks to the HTTP API of one node. Every failure is a CommandFailed that says what to do. */
export class NodeClient {
  readonly base: string
  private readonly apiKey: string | undefined

  /** @param base  `http://127.0.0.1:8081`; a path in it is kept, for a node behind a proxy */
  constructor(base: string, apiKey?: string) {
    this.base = base.replace(/\/+$/, '')
    this.apiKey = apiKey
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path)
  }

  /** All pages of a list, up to 100,000 items. */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = []
    for (let after = ''; items.length < ITEMS_MAX;) {
      const page = await this.get<List<T>>(`${path}${after}`)
      items.push(...page.items)
      if (page.next === null) break
      after = `${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(page.next)}`
    }
    return items
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('POST', path, { type: 'application/json', text: JSON.stringify(body) })
  }

  /** Sends a file as it is. */
  postYaml<T>(path: string, text: string): Promise<T> {
    return this.call<T>('POST', path, { type: 'application/yaml', text })
  }

  /** @param timeoutMs  where the node may take longer than usual */
  delete<T>(path: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    return this.call<T>('DELETE', path, undefined, timeoutMs)
  }

  /** Another node, with the same key. */
  at(base: string): NodeClient {
    return new NodeClient(base, this.apiKey)
  }

  /** Lines of JSON as they come, until the node ends them or `signal` aborts. */
  async *lines<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (this.apiKey !== undefined) headers['authorization'] = `Bearer ${this.apiKey}`
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal }
    try {
      const response = await fetch(`${this.base}${path}`, init)
      if (!response.ok || response.body === null)
        throw refusal(response.status, parse(await response.text()) ?? {}, this.base)
      let rest = ''
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const whole = (rest + piece).split('\n')
        rest = whole.pop() ?? ''
        for (const line of whole) yield JSON.parse(line) as T
      }
    } catch (error) {
      if (error instanceof CommandFailed) throw error
      throw unreachable(this.base, error, ANSWER_TIMEOUT_MS)
    }
  }

  private async call<T>(
    method: string,
    path: string,
    body?: Body,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<T> {
    const { status, text } = await this.exchange(method, path, timeoutMs, body)
    const answer = parse(text)
    if (answer === undefined) {
      throw new CommandFailed(
        EXIT.refused,
        `${this.base}${path} answers ${status} and no JSON: is that a Carillon node?`,
      )
    }
    if (status >= 200 && status < 300) return answer as T
    throw refusal(status, answer as Partial<Problem>, this.base)
  }

  private async exchange(
    method: string,
    path: string,
    timeoutMs: number,
    body?: Body,
  ): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.apiKey !== undefined) headers['authorization'] = `Bearer ${this.apiKey}`
    if (body !== undefined) headers['content-type'] = body.type
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const url = `${this.base}${path}`
      const response = await fetch(url, { method, headers, body: body?.text ?? null, signal })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      throw unreachable(this.base, error, timeoutMs)
    }
  }
}

/** A node that refused, with its HTTP status, so that a command can tell "not there" from "no". */
export class NodeRefused extends CommandFailed {
  readonly status: number
  constructor(status: number, message: string) {
    super(EXIT.refused, message)
    this.status = status
  }
}

const ITEMS_MAX = 100_000
/** Longer than any command waits for a quorum. */
const ANSWER_TIMEOUT_MS = 15_000

interface Body {
  type: string
  text: string
}

interface Answer {
  status: number
  text: string
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusal(status: number, problem: Partial<Problem>, base: string): NodeRefused {
  if (status === 401 || status === 403) {
    const remedy = 'give --api-key KEY, or set CARILLON_API_KEY'
    return new NodeRefused(status, `${base} wants an API key: ${remedy}`)
  }
  const { title = `HTTP status ${status}`, detail, errors = [] } = problem
  const lines = errors.map(({ file, line, column, key, message }) =>
    line > 0 ? `${file}:${line}:${column}: ${key}: ${message}` : `${file}: ${key}: ${message}`,
  )
  const said = detail === undefined ? title : `${title}: ${detail}`
  return new NodeRefused(status, [said, ...lines].join('\n'))
}

function unreachable(base: string, error: unknown, timeoutMs: number): CommandFailed {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = (cause as { code?: string }).code
  if (code === 'ECONNREFUSED') {
    const remedy = 'is the node running? Try ./carillon up, or name another node with --http URL'
    return new CommandFailed(EXIT.unreachable, `nothing answers at ${base}: ${remedy}`)
  }
  if ((cause as { name?: string }).name === 'TimeoutError') {
    const remedy = 'try another node with --http URL'
    return new CommandFailed(
      EXIT.unreachable,
      `${base} did not answer within ${timeoutMs / 1000} s: ${remedy}`,
    )
  }
  const why = code ?? (cause instanceof Error ? cause.message : String(cause))
  const remedy = 'check the URL (--http http://HOST:PORT)'
  return new CommandFailed(EXIT.unreachable, `cannot speak to ${base}: ${why}; ${remedy}`)
}
