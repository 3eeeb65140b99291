import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Logger } from '../base/logger.js'
import { ConfigError } from '../config/file-error.js'
import { logLevel } from '../config/environment.js'
import { loadGatewayFile, loadNodeFile, resolveSecret } from '../config/load.js'
import type { NodeConfig } from '../config/node-file.js'
import { safetyWarnings, unsafeReasons } from '../config/safety.js'
import { createLogger } from '../telemetry/log.js'
import { PrometheusMetrics } from '../telemetry/metrics.js'
import { CarillonNode } from './node.js'
import { readKeyFile, Sealing } from './sealing.js'
import { Secrets } from './secrets.js'
import { systemMachine } from './system-machine.js'

/** Ends of the process, beside those of cli/failure.ts. */
const EXIT = { stopped: 0, failed: 1, unsafe: 2 } as const

/**
 * Runs one node until a signal ends it; resolves with the exit status. SIGTERM and SIGINT drain first, a second
 * one ends the process at once. What must not happen (a failed fsync, a broken invariant) ends it
 * at once too: a wrong node is worse than a missing one.
 *
 * @throws ConfigError where the node file, or the gateway file of a new cluster, has mistakes
 */
export async function runNode(configPath: string): Promise<number> {
  const { config, warnings } = loadNodeFile(configPath)
  const unsafe = unsafeReasons(config)
  if (unsafe.length > 0) {
    for (const reason of unsafe) process.stderr.write(`carillon: ${reason}\n`)
    return EXIT.unsafe
  }
  const logger = createLogger({ level: logLevel(), fields: { node: config.node.id } })
  for (const warning of [...warnings, ...safetyWarnings(config)]) logger.warn(warning)
  process.umask(0o077) // what lies in the data directory is nobody else's
  const fatal = (error: Error, exitStatus: number): void => {
    logger.error('the node stops', { error })
    process.exit(exitStatus)
  }
  process.on('uncaughtException', error => fatal(error, EXIT.failed))
  process.on('unhandledRejection', reason =>
    fatal(reason instanceof Error ? reason : new Error(String(reason)), EXIT.failed),
  )
  const signals = new Signals(logger)
  try {
    const node = await Promise.race([startNode(config, logger, fatal), signals.first])
    if (node === undefined) return EXIT.stopped // nothing was served yet, and what is on disk is synced
    void node.ready().then(() => {
      process.stdout.write(`carillon node ${config.node.id} ready: ${node.places}\n`)
    })
    await signals.first
    await node.stop(config.node.drainTimeoutMs)
    logger.info('stopped')
    return EXIT.stopped
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const why = error instanceof Error ? error.message : String(error)
    logger.error('the node could not start', { error })
    process.stderr.write(`carillon: node ${config.node.id} could not start: ${why}\n`)
    return EXIT.failed
  }
}

async function startNode(
  config: NodeConfig,
  logger: Logger,
  fatal: (error: Error, exitStatus: number) => void,
): Promise<CarillonNode> {
  const { secretKeyFile } = config.node
  const machine = systemMachine
  const sealing =
    secretKeyFile === null ? undefined : new Sealing(readKeyFile(secretKeyFile), machine.random)
  const { gateway } = config
  return CarillonNode.start({
    config,
    machine,
    logger,
    metrics: new PrometheusMetrics({ process: true }),
    secrets: new Secrets({
      passwords: machine.passwords,
      sealing,
      resolve: secret => resolveSecret(secret),
    }),
    version: version(),
    firstSettings:
      gateway === null
        ? undefined
        : () => ({
            settings: loadGatewayFile(gateway).settings,
            author: `node ${config.node.id}, ${basename(gateway)}`,
          }),
    fatal,
  })
}

/** The first signal asks, the second does not. */
class Signals {
  readonly first: Promise<undefined>

  constructor(logger: Logger) {
    this.first = new Promise(resolve => {
      let asked = false
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.on(signal, () => {
          if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
          asked = true
          logger.info('signal', { signal })
          resolve(undefined)
        })
    })
  }
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
