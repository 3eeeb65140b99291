import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { runNode } from '../rooms.js'
import { UP_PORTS } from '../up-files.js'
import { examples, interruption, port, type CommandRun } from './options.js'

interface UpFlags {
  data: string
  fresh: boolean
  peerPort: number
  smppPort: number
  httpPort: number
  smscPort: number
}

/** Those that run nodes on this machine. */
export function addLocal(program: Command, run: CommandRun): void {
  const { io, waiting } = run

  program
    .command('up')
    .description('start three nodes and an SMSC simulator on this machine, until Ctrl-C')
    .option('--data <dir>', 'directory for settings, logs and data', '.carillon')
    .option('--fresh', 'begin with empty nodes', false)
    .option('--peer-port <port>', 'first of three ports between nodes', port, UP_PORTS.peer)
    .option('--smpp-port <port>', 'first of three SMPP ports', port, UP_PORTS.smpp)
    .option('--http-port <port>', 'first of three HTTP ports', port, UP_PORTS.http)
    .option('--smsc-port <port>', "the SMSC simulator's port", port, UP_PORTS.smsc)
    .addHelpText('after', examples('up', 'up --fresh', 'up --data /tmp/drill --smpp-port 3775'))
    .action(async (o: UpFlags) => {
      const ports = { peer: o.peerPort, smpp: o.smppPort, http: o.httpPort, smsc: o.smscPort }
      const carillon = [fileURLToPath(new URL('../../../../carillon', import.meta.url))]
      const { up } = await import('../up.js')
      const exitStatus = await up(
        { data: o.data, fresh: o.fresh, ports, carillon, environment: process.env },
        { io, ...waiting, interrupted: interruption() },
      )
      run.ended(exitStatus)
    })

  program
    .command('node')
    .description('run one node; it prints one line when it is ready')
    .requiredOption('-c, --config <file>', 'node file (YAML)')
    .addHelpText(
      'after',
      examples(
        'node --config deploy/example/node-1.yaml',
        'node --config n1.yaml    # CARILLON_CLUSTER_HEARTBEAT_MS=20 wins over the file',
      ),
    )
    .action(async ({ config }: { config: string }) => {
      run.ended(await runNode(config))
    })
}
