import { parseArgs } from 'node:util'
import { MUTATIONS } from './mutations.js'
import { kindOf, planOf, report, runWorld, shrink } from './run.js'

const USAGE = `npm run sim -- [--seeds N] [--minutes M] [--seed S] [--nodes 3|5|7] [--pace storm|steady]
                [--numbers N] [--daily]
npm run sim:mutations -- [--seeds N] [--only NAME]

  --seeds N     stop after N seeds (default 100)
  --minutes M   stop after M minutes (default 5), whichever comes first
  --seed S      the first seed (default 1); with --seeds 1: that one alone
  --nodes N     nodes of the cluster (default: 3, 5 or 7, as the seed has it)
  --pace P      storm: 10 s, faults on top of each other; steady: 60 s, a fault every 1 to 7 s, a quarter of the load
                (default: as the seed has it)
  --numbers N   numbers that messages go to, by each route (default: 4, or hardly ever the same twice)
  --daily       seeds from today's date
`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '' },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '' },
    pace: { type: 'string', default: '' },
    numbers: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    daily: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const say = (text: string): void => void process.stdout.write(`${text}\n`)

if (values.help) say(USAGE)
else process.exitCode = values.mutations ? await provesItself() : await searches()

/** Runs seeds until one fails, or seeds or minutes are over. */
async function searches(): Promise<number> {
  const seeds = wholeNumber('seeds', values.seeds || '100', 1, 1e9)
  const first = values.daily ? dateSeed() : wholeNumber('seed', values.seed, 0, 2 ** 31)
  const endMs = performance.now() + Number(values.minutes) * 60_000
  const beganMs = performance.now()
  /** By number of nodes. */
  const clusterMs = new Map<number, { seeds: number; ms: number }>()
  let messages = 0
  let duplicates = 0
  let matched = 0
  let replaced = 0
  let parted = 0
  let joined = 0
  let refusals = 0
  const told = { delivered: 0, failed: 0 }
  let notified = 0
  let saidMs = beganMs
  let done = 0
  const summary = (): string => {
    const tookS = (performance.now() - beganMs) / 1000
    const totalS = [...clusterMs.values()].reduce((sum, { ms }) => sum + ms / 1000, 0)
    const kinds = [...clusterMs]
      .sort(([a], [b]) => a - b)
      .map(([nodes, { seeds, ms }]) => `${nodes} nodes: ${seeds}, ${(ms / 1000).toFixed(0)} s`)
    return (
      `${done} seeds, ${(done / tookS).toFixed(2)} seeds/s, ${totalS.toFixed(0)} cluster seconds, ` +
      `${(totalS / tookS).toFixed(1)} a second (${kinds.join('; ')}), ` +
      `${messages} messages, ${duplicates} sent twice, ${matched} matched, ${replaced} replaced, ` +
      `${parted} sent in parts, ${joined} MO joined, ${refusals} destinations refused, ` +
      `${told.delivered} transactions delivered, ${told.failed} not, ${notified} notifications`
    )
  }
  say(`sim: seeds from ${first}, until ${seeds} seeds or ${values.minutes} minutes`)
  while (done < seeds && performance.now() < endMs) {
    const seed = first + done
    const kind = kindOf(seed)
    const nodes = values.nodes === '' ? kind.nodes : wholeNumber('nodes', values.nodes, 1, 7)
    const pace = values.pace === '' ? kind.pace : values.pace === 'steady' ? 'steady' : 'storm'
    const numbers =
      values.numbers === '' ? kind.numbers : wholeNumber('numbers', values.numbers, 1, 1e8)
    const plan = planOf(seed, nodes, { pace, numbers })
    const result = await runWorld(plan)
    done++
    const sum = clusterMs.get(nodes) ?? { seeds: 0, ms: 0 }
    clusterMs.set(nodes, { seeds: sum.seeds + 1, ms: sum.ms + result.tookMs })
    messages += result.messages
    duplicates += result.duplicates
    matched += result.matched
    replaced += result.replaced
    parted += result.parted
    joined += result.joined
    refusals += result.refusals
    told.delivered += result.told.delivered
    told.failed += result.told.failed
    notified += result.notified
    if (result.violations.length > 0) {
      say(`seed ${plan.seed} FAILED: ${result.violations[0]!.rule}: ${result.violations[0]!.text}`)
      const least = await shrink(plan, result, say)
      say(report(least.plan, least.result))
      const again = `--nodes ${nodes} --pace ${pace} --numbers ${numbers}`
      say(`see it again: npm run sim -- --seeds 1 --seed ${seed} ${again}`)
      say(summary())
      return 1
    }
    if (performance.now() - saidMs > 5000) {
      saidMs = performance.now()
      say(summary())
    }
  }
  say(`${summary()}: no violation`)
  return 0
}

/** Puts in each deliberate bug, and looks for a seed that notices. */
async function provesItself(): Promise<number> {
  const most = wholeNumber('seeds', values.seeds || '0', 0, 1e6)
  let missed = 0
  const rows: string[] = []
  for (const mutation of MUTATIONS) {
    if (values.only !== '' && !mutation.name.includes(values.only)) continue
    const within = most === 0 ? mutation.within : most
    let caught = ''
    for (let seed = 1; seed <= within && caught === ''; seed++) {
      const { violations } = await runWorld(planOf(seed, 3, { mutation }))
      if (violations[0] !== undefined) caught = `seed ${seed}: ${violations[0].rule}`
    }
    if (caught === '') missed++
    const row = `${mutation.name.padEnd(46)} ${caught === '' ? `MISSED in ${within} seeds` : caught}`
    rows.push(row)
    say(row)
  }
  say(`${rows.length - missed} of ${rows.length} bugs caught`)
  return missed === 0 ? 0 : 1
}

/** 20261125 × 1,000: a thousand seeds a day of its own. */
function dateSeed(): number {
  return Number(new Date().toISOString().slice(0, 10).replaceAll('-', '').slice(2)) * 1000
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  process.stderr.write(
    `sim: --${name} ${text}: a whole number from ${least} to ${most}\n\n${USAGE}`,
  )
  process.exit(2)
}
