import { grouped } from '../../src/tools/units.js'
import { simulateFleet, type Fleet, type FleetPlan } from '../placement/fleet.js'
import { plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

/** CPU time as measured at full load with dispatch, and docs/scaling.md's plan. */
const PLAN: FleetPlan = {
  nodes: 100,
  coresPerNode: 4,
  groups: 400,
  accounts: 10_000,
  messagesPerSecond: 1_000_000,
  skew: 0.5,
  leaderUs: 34,
  followerUs: 21,
  groupLimit: 20_000,
  seed: 1,
}

/** A plan of a fleet, made and broken on paper: no process is started. */
export const placementSuite: Suite = () => {
  const fleets = [0.5, 0.8, 1].map(skew => ({ skew, ...simulateFleet({ ...PLAN, skew }) }))
  const text = fleets.map(fleet => placementText(PLAN, fleet)).join('\n\n')
  return Promise.resolve({ figures: { plan: PLAN, fleets }, text, problems: [] })
}

export function placementText(plan: FleetPlan, fleet: Fleet & { skew: number }): string {
  const table = plainTable([
    'event',
    'nodes',
    'groups without majority',
    'replicas moved',
    'leaders moved',
    'cores: busiest node',
    'mean',
    'of a node',
  ])
  for (const row of fleet.rows)
    table.push([
      row.event,
      String(row.nodes),
      String(row.groupsWithoutMajority),
      String(row.replicasMoved),
      String(row.leadersMoved),
      row.busiest.toFixed(2),
      row.mean.toFixed(2),
      `${((100 * row.busiest) / plan.coresPerNode).toFixed(0)} %`,
    ])
  return [
    `traffic of the account of rank k ~ k^-${fleet.skew}: the largest account ${grouped(fleet.largestAccount)}/s, the busiest of ` +
      `${plan.groups} groups ${grouped(fleet.busiestGroup)}/s, ${fleet.groupsOverLimit} above the ${grouped(plan.groupLimit)}/s that one takes`,
    trimmed(table),
  ].join('\n')
}
