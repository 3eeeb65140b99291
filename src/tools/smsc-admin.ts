import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { parseRun } from './message-tag.js'
import { BEHAVIOUR_CHANGE, type SmscBehaviour } from './smsc-faults.js'
import type { SmscSimulator } from './smsc-sim.js'

/** What GET / answers. */
export const ADMIN_HELP = `carillon smsc-sim
GET  /stats                          everything counted since the start
GET  /rates?last=60                  the last seconds: running sums at the end of each
GET  /behaviour                      delays, error rates and all that
POST /fault                          changes some of it: {"delayMs": 50, "errorRate": 0.1}
POST /disconnect[?systemId=NAME]     cuts connections at once
GET  /messages?since=SEQ&limit=1000  tagged messages in the order they were taken
GET  /runs/RUN                       what was counted of one run of the load client
GET  /runs/RUN/missing?to=N          tags below N that never came, as ranges [lo, hi)
GET  /runs/RUN/counts?from=0&to=N    how often each came: an octet each
`

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** HTTP for whoever watches or torments the simulator. It has no password: keep it on loopback. */
export async function startAdmin(
  smsc: SmscSimulator,
  listen: { host: string; port: number },
): Promise<AdminServer> {
  const server = createServer((request, response) => {
    void answer(smsc, request).then(
      reply => send(response, reply),
      (error: unknown) => send(response, json({ error: String(error) }, 500)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen, () => resolve())
  })
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) }
}

interface Reply {
  status: number
  type: string
  content: string | Uint8Array
}

async function answer(smsc: SmscSimulator, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const number = (name: string, or: number): number => {
    const value = Number(url.searchParams.get(name) ?? or)
    return Number.isFinite(value) && value >= 0 ? Math.min(value, 1e8) : or
  }
  const [, first = '', run = '', what = ''] = url.pathname.split('/')
  switch (`${request.method ?? ''} ${first}`) {
    case 'GET ':
      return { status: 200, type: 'text/plain', content: ADMIN_HELP }
    case 'GET stats':
      return json(smsc.stats())
    case 'GET rates':
      return json(smsc.seconds(number('last', 60)))
    case 'GET behaviour':
      return json(smsc.behaviour)
    case 'POST fault':
      return change(smsc, await bodyOf(request))
    case 'POST disconnect':
      return json({ cut: smsc.cut(url.searchParams.get('systemId') ?? undefined) })
    case 'GET messages': {
      const since = number('since', 0)
      const items = smsc.acceptedSince(since, Math.min(10_000, number('limit', 1_000)))
      return json({ items, next: items.at(-1)?.seq ?? since })
    }
    case 'GET runs': {
      const known = parseRun(run)
      if (known === undefined) return json({ error: 'a run is six characters of 0-9a-z' }, 400)
      const to = number('to', smsc.tags.of(known).highest + 1)
      if (what === '') return json(smsc.tags.of(known))
      if (what === 'missing') return json(smsc.tags.missing(known, to))
      if (what === 'counts') {
        const content = smsc.tags.counts(known, number('from', 0), to)
        return { status: 200, type: 'application/octet-stream', content }
      }
    }
  }
  return json({ error: `there is no ${request.method ?? ''} ${url.pathname}` }, 404)
}

function change(smsc: SmscSimulator, body: string | undefined): Reply {
  let given: unknown
  try {
    given = JSON.parse(body ?? '')
  } catch {
    return json({ error: 'expected JSON' }, 400)
  }
  const read = BEHAVIOUR_CHANGE.safeParse(given)
  if (!read.success) return json({ error: z.prettifyError(read.error) }, 400)
  smsc.change(read.data as Partial<SmscBehaviour>)
  return json(smsc.behaviour)
}

/** Undefined when it is longer than 64 KiB. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > 65_536) return undefined
  }
  return body
}

function json(value: unknown, status = 200): Reply {
  return { status, type: 'application/json', content: `${JSON.stringify(value)}\n` }
}

function send(response: ServerResponse, { status, type, content }: Reply): void {
  response.writeHead(status, { 'content-type': type })
  response.end(content)
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
}
