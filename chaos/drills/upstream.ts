import { waitFor } from '../../src/testing/wait-for.js'
import type { Drill } from '../drill.js'

export const UPSTREAM: readonly Drill[] = [
  {
    name: 'smsc-outage',
    needs: ['smsc'],
    summary: 'the SMSC cuts all binds and takes none for eight seconds; messages wait in the queue',
    run: async scene => {
      const { smsc } = scene
      const { refuseBinds } = smsc.behaviour
      await scene.fault({
        what: 'the SMSC cuts its binds and refuses new ones',
        nodes: [],
        effectMs: 8_000,
        act: async () => {
          await smsc.change({ refuseBinds: 'ESME_RBINDFAIL' })
          await smsc.cut()
        },
        recovery: 'the SMSC takes binds again',
        recover: async () => {
          await smsc.change({ refuseBinds })
          const { accepted } = smsc.stats()
          await waitFor('messages reach the SMSC again', () => smsc.stats().accepted > accepted, {
            timeoutMs: 60_000,
          })
        },
      })
    },
  },
  {
    name: 'smsc-slow',
    needs: ['smsc'],
    summary:
      'the SMSC takes half a second for an answer, refuses a tenth for now and throttles the rest, for ten seconds',
    run: async scene => {
      const { smsc } = scene
      const { refused, sessions } = smsc.stats()
      const before = sessions.length
      const { delayMs, delayDistribution, errorRate, throttlePerSecond } = smsc.behaviour
      await scene.fault({
        what: 'the SMSC is slow, refuses some with ESME_RSYSERR and throttles',
        nodes: [],
        effectMs: 10_000,
        act: () =>
          smsc.change({
            delayMs: 500,
            delayDistribution: 'exponential',
            errorRate: 0.1,
            throttlePerSecond: 50,
          }),
        recovery: 'the SMSC is well again',
        recover: () => smsc.change({ delayMs, delayDistribution, errorRate, throttlePerSecond }),
      })
      const after = smsc.stats().refused
      for (const status of Object.keys(after)) {
        const count = (after[status] ?? 0) - (refused[status] ?? 0)
        scene.measured[`answered ${status} by the SMSC`] = count
      }
      const binds = smsc.stats().sessions.length
      scene.check(
        'binds outlive a slow SMSC',
        binds === before,
        `${binds} binds`,
        `${before} binds`,
      )
    },
  },
]
