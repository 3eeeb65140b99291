import type { FastifyInstance } from 'fastify'
import type { ApiPorts } from './ports.js'
import { badRequest, conflict, noQuorum } from './problems.js'
import { objectIn } from './requests.js'
import type { LeaderView, ResolveResult } from './shapes.js'
import { inDoubtList } from './views.js'

const DRAIN_DEFAULT_MS = 30_000
const DRAIN_MAX_MS = 3_600_000
/** Messages that one request may resolve. */
const RESOLVE_MAX = 1000

export function operateRoutes(app: FastifyInstance, ports: ApiPorts): void {
  app.get('/api/v1/drain', (_request, reply) => reply.send(ports.operations.drainState()))

  app.post('/api/v1/drain', (request, reply) => {
    const { deadlineMs = DRAIN_DEFAULT_MS } = objectIn(request.body, ['deadlineMs'])
    if (typeof deadlineMs !== 'number' || !(deadlineMs >= 0 && deadlineMs <= DRAIN_MAX_MS))
      throw badRequest(`deadlineMs: expected milliseconds from 0 to ${DRAIN_MAX_MS}`)
    ports.operations.drain(deadlineMs)
    return reply.status(202).send(ports.operations.drainState())
  })

  app.post('/api/v1/transfer-leader', async (request): Promise<LeaderView> => {
    const { to = null } = objectIn(request.body, ['to'])
    if (to !== null && typeof to !== 'number') throw badRequest('to: expected a node id, or null')
    const { leader, members } = ports.cluster.status()
    if (leader === null) throw noQuorum(new Error('there is no leader'))
    const target = members.find(member => member.id === to)
    if (to !== null && target === undefined) throw badRequest(`to: there is no node ${to}`)
    if (target !== undefined && target.role !== 'voter')
      throw badRequest(`to: node ${target.id} does not vote`)
    try {
      return await ports.cluster.transferLeader(to)
    } catch (error) {
      throw conflict(error instanceof Error ? error.message : String(error))
    }
  })

  app.get<{ Querystring: { after?: string } }>('/api/v1/in-doubt', (request, reply) =>
    reply.send(inDoubtList(ports.journal, request.query.after)),
  )

  app.post('/api/v1/in-doubt/resolve', async (request): Promise<ResolveResult> => {
    const { ids, action } = objectIn(request.body, ['ids', 'action'])
    if (action !== 'resend' && action !== 'drop')
      throw badRequest('action: expected resend or drop')
    if (!Array.isArray(ids) || ids.length === 0 || ids.length > RESOLVE_MAX)
      throw badRequest(`ids: expected 1 to ${RESOLVE_MAX} message ids`)
    return { resolved: await resolveDoubts(ports, ids, action) }
  })
}

async function resolveDoubts(
  ports: ApiPorts,
  ids: readonly unknown[],
  action: 'resend' | 'drop',
): Promise<number> {
  const { state } = ports.journal
  const refs = new Set(
    ids.flatMap(id => (typeof id === 'string' ? ports.journal.refsOf(id).slice(0, 1) : [])),
  )
  const commands = [...state.connectors.values()].flatMap(({ number, doubts }) => {
    const mine = [...refs].filter(ref => doubts.has(ref))
    return mine.length === 0 ? [] : [{ connector: number, refs: mine }]
  })
  let resolved = 0
  for (const { connector, refs: mine } of commands) {
    const result = await ports
      .command({ kind: 'resolveDoubt', connector, refs: mine, action })
      .catch((error: unknown) => {
        throw noQuorum(error)
      })
    if (result.ok) resolved += mine.length
  }
  return resolved
}
