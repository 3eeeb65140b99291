import type { FastifyInstance } from 'fastify'
import { badRequest } from './problems.js'
import { objectIn, wholeNumber } from './requests.js'
import type { SettingsService } from './settings-service.js'

/** A gateway file with some ten thousand accounts. */
const FILE_OCTETS_MAX = 8 * 1024 * 1024

export function settingsRoutes(app: FastifyInstance, settings: SettingsService): void {
  app.get<{ Querystring: { revision?: string } }>('/api/v1/settings', (request, reply) => {
    const { revision } = request.query
    return reply.send(
      settings.get(revision === undefined ? undefined : wholeNumber(revision, 'revision')),
    )
  })

  app.get<{ Querystring: { after?: string } }>('/api/v1/settings/history', (request, reply) =>
    reply.send(settings.history(request.query.after)),
  )

  app.post<{ Querystring: { dryRun?: string } }>(
    '/api/v1/settings',
    { bodyLimit: FILE_OCTETS_MAX },
    async request => {
      const { body } = request
      if (typeof body !== 'string' || body === '')
        throw badRequest('the body is a gateway file, of type application/yaml')
      const dryRun = request.query.dryRun !== undefined && request.query.dryRun !== 'false'
      return settings.apply(body, dryRun, `apply by ${request.ip}`)
    },
  )

  app.post('/api/v1/settings/rollback', async request => {
    const { revision } = objectIn(request.body, ['revision'])
    if (typeof revision !== 'number') throw badRequest('revision: expected a number')
    return settings.rollback(revision, `rollback by ${request.ip}`)
  })
}
