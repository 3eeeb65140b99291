import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiPorts } from './ports.js'
import { badRequest, plainProblem, ProblemError } from './problems.js'
import { objectIn, textOf } from './requests.js'

const FOR_DEFAULT_MS = 60_000
const FOR_MAX_MS = 3_600_000
const OCTETS_DEFAULT = 10_000_000
const OCTETS_MAX = 1_000_000_000

/** PDU traces. Each start is logged by the node: texts are customers' data. */
export function traceRoutes(
  app: FastifyInstance,
  ports: ApiPorts,
  who: (request: FastifyRequest) => string,
): void {
  app.get('/api/v1/nodes', () => ports.sessions.nodes())

  app.post('/api/v1/traces', (request, reply) => {
    const keys = ['account', 'connector', 'forMs', 'octetsMax', 'texts']
    const object = objectIn(request.body, keys)
    const account = textOf(object, 'account', 64)
    const connector = textOf(object, 'connector', 64)
    const name = account ?? connector
    if (name === undefined || (account !== undefined && connector !== undefined))
      throw badRequest('expected account, or connector')
    const { state } = ports.journal
    if (account !== undefined && state.account(account) === undefined)
      throw badRequest(`account: there is no account ${account}`)
    if (connector !== undefined && state.connector(connector) === undefined)
      throw badRequest(`connector: there is no connector ${connector}`)
    const { texts = false } = object
    if (typeof texts !== 'boolean') throw badRequest('texts: expected true or false')
    const stream = ports.traces.start({
      kind: account === undefined ? 'connector' : 'account',
      name,
      texts,
      forMs: within(object, 'forMs', FOR_DEFAULT_MS, FOR_MAX_MS),
      octetsMax: within(object, 'octetsMax', OCTETS_DEFAULT, OCTETS_MAX),
      by: who(request),
    })
    if (stream === 'tooMany')
      throw new ProblemError(plainProblem(429, 'as many traces as may run here run already'))
    // Its first line leaves now: whoever asked knows that it has begun.
    return reply.type('application/x-ndjson').send(stream)
  })
}

function within(
  object: Readonly<Record<string, unknown>>,
  key: string,
  byDefault: number,
  most: number,
): number {
  const value = object[key] ?? byDefault
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most)
    throw badRequest(`${key}: expected a whole number from 1 to ${most}`)
  return value
}
