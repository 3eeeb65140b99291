import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Logger } from '../base/logger.js'
import { gate } from './auth.js'
import { messageView } from './message-view.js'
import type { ApiPorts } from './ports.js'
import {
  badRequest,
  noQuorum,
  notFound,
  plainProblem,
  PROBLEM_TYPE,
  ProblemError,
} from './problems.js'
import { objectIn, textOf } from './requests.js'
import { banRoutes } from './routes-bans.js'
import { memberRoutes } from './routes-members.js'
import { operateRoutes } from './routes-operate.js'
import { sessionRoutes } from './routes-sessions.js'
import { settingsRoutes } from './routes-settings.js'
import { traceRoutes } from './routes-traces.js'
import { SettingsService } from './settings-service.js'
import type { Health, MessageView, Problem, SendRequest } from './shapes.js'
import { accountList, clusterView, connectorList } from './views.js'

export interface ApiOptions {
  /** Any of them opens the API; none: it is open. /livez and /readyz always are. */
  apiKeys: readonly string[]
  logger: Logger
}

/** Of a JSON body. */
const BODY_OCTETS_MAX = 64 * 1024
/** From the first octet of a request to its last. */
const REQUEST_TIMEOUT_MS = 30_000
const CONNECTIONS_MAX = 1000
/** Open to all: what asks them has no keys, and they tell nothing. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz'])

/**
 * No route has a schema: requests.ts reads bodies. Fastify would load its compilers all the same (230 files,
 * 0.2 s of CPU time at the start of a node, 7 MiB).
 */
const NO_COMPILERS = { buildValidator: noCompiler, buildSerializer: noCompiler }

/**
 * The HTTP API of one node (shapes.ts), not listening yet. It reads this node's applied state; reads that must
 * not be stale (a message, the settings before they are changed) wait for a ReadIndex first.
 */
export function createApi(ports: ApiPorts, options: ApiOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_OCTETS_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    schemaController: { compilersFactory: NO_COMPILERS },
  })
  app.server.maxConnections = CONNECTIONS_MAX
  contentTypes(app)
  const admit = gate(options.apiKeys)
  /** For the log: `127.0.0.1`, `10.0.0.9 with API key 2`, which counts those of the node file. */
  const who = ({ ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): string => {
    const verdict = admit(headers)
    const named = verdict.status === 'passed' && verdict.key !== null
    return named ? `${ip} with API key ${verdict.key}` : ip
  }
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff')
    void reply.header('cache-control', 'no-store')
    if (OPEN_PATHS.has(request.routeOptions.url ?? '')) return
    const no = admit(request.headers)
    if (no.status === 'passed') return
    if (no.status === 401) void reply.header('www-authenticate', 'Bearer realm="carillon"')
    throw new ProblemError(plainProblem(no.status, no.detail))
  })
  app.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error)
    if (problem.status >= 500 && !(error instanceof ProblemError))
      options.logger.error('request failed', { method: request.method, path: request.url, error })
    return reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem))
  })
  app.setNotFoundHandler(() => {
    throw notFound('there is no such resource')
  })

  healthRoutes(app, ports)
  readRoutes(app, ports)
  messageRoutes(app, ports, { logger: options.logger, who })
  const settings = new SettingsService(ports)
  settingsRoutes(app, settings)
  sessionRoutes(app, ports, settings, { logger: options.logger, who })
  banRoutes(app, ports, { logger: options.logger, who })
  traceRoutes(app, ports, who)
  operateRoutes(app, ports)
  memberRoutes(app, ports)
  return app
}

function noCompiler(): never {
  throw new Error('no route has a schema')
}

/** JSON, and YAML as it stands. Nothing that a form of a web page could send. */
function contentTypes(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(
    ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'],
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, body)
    },
  )
}

function healthRoutes(app: FastifyInstance, ports: ApiPorts): void {
  for (const [path, health] of [
    ['/livez', () => ports.operations.live()],
    ['/readyz', () => ports.operations.ready()],
  ] as const)
    app.get(path, async (_request, reply): Promise<Health> => {
      const answer = health()
      void reply.status(answer.status === 'ok' ? 200 : 503)
      return answer
    })
}

function readRoutes(app: FastifyInstance, ports: ApiPorts): void {
  const { journal } = ports
  type Paged = { Querystring: { after?: string } }
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await ports.metrics()
    return reply.type(contentType).send(text)
  })
  app.get('/api/v1/cluster', (_request, reply) => reply.send(clusterView(ports)))
  app.get<Paged>('/api/v1/connectors', ({ query }, reply) =>
    reply.send(connectorList(ports, query.after)),
  )
  app.get<Paged>('/api/v1/accounts', ({ query }, reply) =>
    reply.send(accountList(journal, query.after)),
  )
}

function messageRoutes(
  app: FastifyInstance,
  ports: ApiPorts,
  {
    logger,
    who,
  }: { logger: Logger; who: (request: Pick<FastifyRequest, 'ip' | 'headers'>) => string },
): void {
  type Params = { Params: { id: string } }
  type Asked = Params & { Querystring: { text?: string } }
  // A message that any node has acknowledged is found on every node.
  const current = (): Promise<unknown> =>
    ports.cluster.readIndex().catch((error: unknown) => {
      throw noQuorum(error)
    })

  app.get<Asked>('/api/v1/messages/:id', async ({ params, query }): Promise<MessageView> => {
    await current()
    const view = messageView(ports.journal, params.id, query.text === 'true')
    if (view === undefined) throw notFound(unknownMessage(params.id))
    return view
  })

  app.post('/api/v1/messages', async (request, reply): Promise<MessageView> => {
    const submitted = await ports.submits.submit(sendRequestIn(request.body))
    if (!submitted.ok)
      throw new ProblemError({
        type: '/problems/refused',
        title: submitted.command_status,
        status: submitted.status,
        detail: submitted.detail,
      })
    void reply.status(202).header('location', `/api/v1/messages/${submitted.id}`)
    return messageView(ports.journal, submitted.id) ?? forgotten(submitted.id, 'ENROUTE')
  })

  app.delete<Params>('/api/v1/messages/:id', async (request): Promise<MessageView> => {
    const { id } = request.params
    await current()
    const cancelled = await ports.cancels.cancel(id).catch((error: unknown) => {
      throw noQuorum(error)
    })
    if (cancelled.kind === 'unknown') throw notFound(unknownMessage(id))
    if (cancelled.kind === 'refused')
      throw new ProblemError({
        type: '/problems/refused',
        title: 'ESME_RCANCELFAIL',
        status: 409,
        detail: cancelled.detail,
      })
    logger.info('message cancelled over HTTP', { message_id: cancelled.id, by: who(request) })
    return messageView(ports.journal, cancelled.id) ?? forgotten(cancelled.id, 'DELETED')
  })
}

function unknownMessage(id: string): string {
  return /^([0-9a-f]{20}|[0-9]{8})$/i.test(id)
    ? `there is no message ${id} (any more)`
    : `${id} is no message id: expected 20 hex digits, or the 8 digits of a short one`
}

/** `from` and `text` of any length that SMPP takes are checked where the PDU is made. @throws ProblemError */
function sendRequestIn(body: unknown): SendRequest {
  const object = objectIn(body, ['to', 'from', 'text', 'account', 'at'])
  const to = textOf(object, 'to', 21)
  const text = textOf(object, 'text', 20_000)
  if (to === undefined || to === '') throw badRequest('to: the destination address is missing')
  if (text === undefined) throw badRequest('text: the text is missing')
  const from = textOf(object, 'from', 21)
  const account = textOf(object, 'account', 64)
  const at = textOf(object, 'at', 40)
  if (at !== undefined && !isInstant(at))
    throw badRequest('at: expected a time with its zone, such as 2026-12-24T18:00:00Z')
  return {
    to,
    text,
    ...(from === undefined ? {} : { from }),
    ...(account === undefined ? {} : { account }),
    ...(at === undefined ? {} : { at }),
  }
}

/** ISO 8601, and no local time: nodes may lie in several zones. */
function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
}

/** A message that was forgotten before its answer was written. */
function forgotten(id: string, state: MessageView['state']): MessageView {
  const empty = { connector: null, smscId: null, smscIdForms: null, replaced: false, events: [] }
  return { id, state, ...empty, account: '', stat: null }
}

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  const { statusCode, message } = error as { statusCode?: number; message?: string }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return plainProblem(statusCode, message)
  return plainProblem(500)
}
