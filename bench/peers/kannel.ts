import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../src/testing/free-ports.js'
import { kannelConfiguration } from '../../src/testing/kannel-configuration.js'
import type { OwnProcess } from '../../src/testing/own-process.js'
import { sumAt, takenBy } from '../load.js'
import { SmscProcess } from '../tool-processes.js'
import {
  cpuMsOf,
  endAll,
  missingPrograms,
  runClient,
  startProgram,
  versionOf,
  waitUntil,
} from './programs.js'
import type { RunningSystem, System } from './system.js'

const CONNECTIONS = 64
const AWAITED_MAX = 1_000
/** One part of a message in GSM 03.38; 250 octets would be two. */
const CHARACTERS = 140

export const KANNEL: System = {
  name: 'kannel',
  title: 'Kannel, bearerbox and smsbox, nothing kept on disk; to our SMSC simulator',
  workloads: [
    {
      name: 'sendsms',
      client: `own HTTP client, ${CONNECTIONS} connections; counted at the SMSC, ${CHARACTERS} characters`,
    },
    {
      name: 'receipts',
      client: `the same, and receipts to dlr-url of ${AWAITED_MAX} messages at most in flight; counted there`,
    },
  ],
  missing: () => missingPrograms('bearerbox', 'smsbox'),
  version: () => `Kannel ${versionOf('bearerbox')}`,

  async start({ directory, time }): Promise<RunningSystem> {
    const [admin, boxes, send] = (await freePorts(3)) as [number, number, number]
    const smsc = await SmscProcess.start(join(directory, 'smsc.log'))
    const boxesRunning: OwnProcess[] = []
    const stop = async (): Promise<void> => {
      await endAll(boxesRunning)
      await smsc.stop()
    }
    const box = (name: 'bearerbox' | 'smsbox'): void => {
      const args = ['-v', '4', file] // its log of every message would be measured too
      boxesRunning.push(startProgram(name, args, join(directory, `${name}.log`)))
    }
    const file = join(directory, 'kannel.conf')
    const configuration = kannelConfiguration({
      admin,
      boxes,
      send,
      smsc: {
        id: 'smsc-a',
        port: smsc.port,
        username: 'kannel',
        password: 'secret',
        more: 'max-pending-submits = 1000',
      },
      user: 'concatenation = false',
      service: 'text = ""',
    })
    await writeFile(file, configuration)
    try {
      box('bearerbox')
      await waitUntil('bearerbox is bound', boxesRunning, async () =>
        /smsc-a.*online/.test(await textOf(`http://127.0.0.1:${admin}/status.txt?password=admin`)),
      )
      box('smsbox')
      await waitUntil(
        'smsbox listens',
        boxesRunning,
        async () => (await textOf(`http://127.0.0.1:${send}/`)) !== '',
      )
    } catch (error) {
      await stop()
      throw error
    }
    return {
      get cpuMs() {
        return cpuMsOf(boxesRunning)
      },
      async measure(workload) {
        const receipts = workload === 'receipts'
        const shape = { connections: CONNECTIONS, awaitedMax: AWAITED_MAX, octets: CHARACTERS }
        const load = { kind: 'sendsms', port: send, receipts, ...shape, ...time } as const
        const report = await runClient(load, join(directory, 'client.log'))
        const taken = takenBy(await smsc.seconds())
        const { fromMs, untilMs } = report
        const sent = sumAt(taken, untilMs) - sumAt(taken, fromMs)
        const dispatchedPerSecond = Math.round((sent * 1000) / (untilMs - fromMs))
        // what smsbox took and bearerbox could not send yet has only filled its memory
        const perSecond = receipts
          ? report.perSecond
          : Math.min(report.perSecond, dispatchedPerSecond)
        return { ...report, perSecond, dispatchedPerSecond }
      },
      stop,
    }
  },
}

async function textOf(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text()
  } catch {
    return ''
  }
}
