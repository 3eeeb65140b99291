import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../base/logger.js'
import { BANS_STEP, type Ban, type Journal } from '../journal/index.js'
import { isoTime } from './message-view.js'
import { page, sortedBy } from './page.js'
import type { ApiPorts } from './ports.js'
import { noQuorum, notFound } from './problems.js'
import type { BanView, LiftResult, List } from './shapes.js'

/** Lists and lifts bans (docs/decisions/0017). */
export function banRoutes(
  app: FastifyInstance,
  ports: ApiPorts,
  { logger, who }: { logger: Logger; who: (request: FastifyRequest) => string },
): void {
  type Listed = { Querystring: { after?: string; account?: string } }
  app.get<Listed>('/api/v1/bans', ({ query }, reply) =>
    reply.send(banList(ports.journal, query.account, query.after)),
  )

  type Lifted = { Params: { account: string }; Querystring: { address?: string } }
  app.delete<Lifted>('/api/v1/bans/:account', async (request): Promise<LiftResult> => {
    const { params, query } = request
    // Made a moment ago on another node: this one may not have heard of it yet.
    await ports.cluster.readIndex().catch((error: unknown) => {
      throw noQuorum(error)
    })
    const { state } = ports.journal
    const account = state.account(params.account)?.number
    const found = [...state.bans.all()].filter(
      ban => ban.account === account && (query.address ?? ban.address) === ban.address,
    )
    if (found.length === 0) {
      const from = query.address === undefined ? '' : ` from ${query.address}`
      throw notFound(`no ban of ${params.account}${from}`)
    }
    logger.info('bans to be lifted', {
      systemId: params.account,
      bans: found.length,
      by: who(request),
    })
    return { lifted: await lift(ports, found) }
  })
}

async function lift(ports: ApiPorts, bans: readonly Ban[]): Promise<number> {
  let lifted = 0
  for (let at = 0; at < bans.length; at += BANS_STEP) {
    const some = bans.slice(at, at + BANS_STEP)
    const named = some.map(({ account, address }) => ({ account, address }))
    const result = await ports
      .command({ kind: 'liftBans', bans: named })
      .catch((error: unknown) => {
        throw noQuorum(error)
      })
    if (result.ok && 'lifted' in result) lifted += result.lifted
  }
  return lifted
}

function banList(
  { state }: Journal,
  only: string | undefined,
  after: string | undefined,
): List<BanView> {
  const views = [...state.bans.all()].flatMap((ban): BanView[] => {
    const systemId = state.accounts.get(ban.account)?.systemId ?? ''
    if (only !== undefined && only !== systemId) return []
    const { address, failures, sinceMs, untilMs } = ban
    return [{ systemId, address, failures, since: isoTime(sinceMs), until: isoTime(untilMs) }]
  })
  const keyOf = ({ systemId, address }: BanView): string => `${systemId} ${address}`
  return page(sortedBy(views, keyOf), keyOf, after)
}
