import type { FastifyInstance } from 'fastify'
import { MembersRefused, type ApiPorts } from './ports.js'
import { badRequest, plainProblem, ProblemError } from './problems.js'
import { objectIn, textOf, wholeNumber } from './requests.js'
import type { MembersView } from './shapes.js'

const NODE_ID_MAX = 65_535
const ADDRESS_CHARACTERS_MAX = 300
/** host:port, an IPv6 address in brackets. */
const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/

export function memberRoutes(app: FastifyInstance, { members }: ApiPorts): void {
  type Named = { Params: { id: string } }
  app.get('/api/v1/members', () => answered(members.list()))
  app.post('/api/v1/members', request => {
    const object = objectIn(request.body, ['id', 'address'])
    const address = textOf(object, 'address', ADDRESS_CHARACTERS_MAX)
    const port = Number(ADDRESS.exec(address ?? '')?.[1] ?? 0)
    if (address === undefined || port < 1 || port > 65_535)
      throw badRequest('address: expected host:port of its peer listener')
    return answered(members.add(nodeId(object['id']), address))
  })
  app.post<Named>('/api/v1/members/:id/promote', ({ params }) =>
    answered(members.promote(nodeId(wholeNumber(params.id, 'id')))),
  )
  app.delete<Named>('/api/v1/members/:id', ({ params }) =>
    answered(members.remove(nodeId(wholeNumber(params.id, 'id')))),
  )
}

function nodeId(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > NODE_ID_MAX)
    throw badRequest(`id: expected a node id from 1 to ${NODE_ID_MAX}`)
  return value
}

async function answered(view: Promise<MembersView>): Promise<MembersView> {
  try {
    return await view
  } catch (error) {
    if (!(error instanceof MembersRefused)) throw error
    throw new ProblemError(plainProblem(error.status, error.message), { cause: error })
  }
}
