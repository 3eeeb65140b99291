import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../base/logger.js'
import type { ApiPorts } from './ports.js'
import { noQuorum, notFound, plainProblem, ProblemError } from './problems.js'
import { wholeNumber } from './requests.js'
import type { SettingsService } from './settings-service.js'
import type { ApplyResult, KickView, List, SessionView } from './shapes.js'
import { sessionList } from './views.js'

/** The operator's hand on sessions: list, kick one, let an account take part or not. */
export function sessionRoutes(
  app: FastifyInstance,
  ports: ApiPorts,
  settings: SettingsService,
  { logger, who }: { logger: Logger; who: (request: FastifyRequest) => string },
): void {
  type Listed = {
    Querystring: { after?: string; account?: string; node?: string; activity?: string }
  }
  app.get<Listed>('/api/v1/sessions', async ({ query }): Promise<List<SessionView>> => {
    const { after, account, node } = query
    const only = { account, node: node === undefined ? undefined : wholeNumber(node, 'node') }
    const list = sessionList(ports.journal, only, after)
    if (query.activity === undefined || query.activity === 'false') return list
    const activity = await ports.sessions.activity(list.items.map(({ id }) => id))
    const items = list.items.map(item => ({ ...item, activity: activity.get(item.id) ?? null }))
    return { ...list, items }
  })

  app.delete<{ Params: { id: string } }>(
    '/api/v1/sessions/:id',
    async (request): Promise<KickView> => {
      const { id } = request.params
      const { sessions } = ports.journal.state
      // Bound a moment ago on another node: this one may not have heard of it yet.
      if (!sessions.has(id))
        await ports.cluster.readIndex().catch((error: unknown) => {
          throw noQuorum(error)
        })
      const systemId = sessions.get(id)?.systemId
      if (systemId === undefined) throw notFound(`there is no session ${id} (any more)`)
      logger.info('session to be kicked', { session: id, systemId, by: who(request) })
      const kicked = await ports.sessions.kick(id)
      if (kicked.kind === 'unknown') throw notFound(`there is no session ${id} (any more)`)
      if (kicked.kind === 'noAnswer') {
        const detail = `node ${kicked.node}, which has the session, does not answer: see ./carillon member list`
        throw new ProblemError(plainProblem(503, detail))
      }
      const { node, reason, committed } = kicked
      const answered = reason === UNBOUND
      return { id, systemId, node, answered, reason: reason ?? 'it had ended already', committed }
    },
  )

  for (const [action, enabled] of [
    ['disable', false],
    ['enable', true],
  ] as const)
    app.post<{ Params: { account: string } }>(
      `/api/v1/accounts/:account/${action}`,
      ({ params: { account }, ip }): Promise<ApplyResult> =>
        settings.setEnabled(account, enabled, `${action} ${account} by ${ip}`),
    )
}

/** The link's word for an unbind that was answered. */
const UNBOUND = 'unbound by us'
