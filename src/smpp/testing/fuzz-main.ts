import { parseArgs } from 'node:util'
import { fuzz, type FuzzReport } from './fuzz.js'

const USAGE = `npm run fuzz -- [--inputs N] [--seed S] [--only I]

  --inputs N    streams to feed to framer, decoder and session (default 100000)
  --seed S      what they are made from (default: by the clock)
  --only I      input number I of the seed alone: what a fault names
`

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(USAGE)
else run()

function run(): void {
  const seed = wholeNumber('seed', values.seed)
  const from = values.only === undefined ? 0 : wholeNumber('only', values.only)
  const inputs = values.only === undefined ? wholeNumber('inputs', values.inputs) : 1
  try {
    const report = fuzz({ inputs, seed, from, progress: say(seed) })
    process.stdout.write(`${text(report, seed)}\n`)
  } catch (error) {
    process.stderr.write(`${String(error)}\n`)
    process.exitCode = 1
  }
}

/** A line every hundred thousand inputs. */
function say(seed: number) {
  return (report: FuzzReport): void => {
    if (report.inputs % 100_000 === 0) process.stderr.write(`${text(report, seed)}\n`)
  }
}

function text(report: FuzzReport, seed: number): string {
  const { inputs, pdus, read, unknown, framingErrors, refused, thousandMsMax } = report
  const { user, system } = process.cpuUsage()
  const statuses = [...refused].sort(([, a], [, b]) => b - a).map(([name, n]) => `${name} ${n}`)
  return (
    `${inputs} inputs of seed ${seed}: ${pdus} PDUs, ${read} read, ${unknown} unknown, ` +
    `refused ${statuses.join(', ') || 'none'}; command_length refused ${framingErrors}; ` +
    `${((user + system) / 1e6).toFixed(1)} s CPU, slowest thousand ${thousandMsMax.toFixed(0)} ms, ` +
    `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`
  )
}

function wholeNumber(name: string, given: string): number {
  const number = Number(given)
  if (Number.isInteger(number) && number >= 0) return number
  process.stderr.write(`--${name} ${given} is no whole number\n${USAGE}`)
  process.exit(2)
}
