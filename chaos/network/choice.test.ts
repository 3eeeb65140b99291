import t from 'tap'
import { DRILLS } from '../drills/index.js'
import { connectedFor, type NetworkChoice } from './choice.js'

const HERE = { missing: undefined, delays: true }
const NOT_HERE = { missing: 'needs root', delays: false }
const NO_NETEM = { missing: undefined, delays: false }

for (const { drill, choice, found, kind, says } of [
  { drill: 'partition-leader', choice: 'auto', found: HERE, kind: 'namespaces', says: /iptables/ },
  { drill: 'partition-leader', choice: 'auto', found: NOT_HERE, kind: 'proxy', says: /needs root/ },
  { drill: 'partition-leader', choice: 'proxy', found: HERE, kind: 'proxy', says: /asked for/ },
  { drill: 'packet-latency', choice: 'auto', found: HERE, kind: 'namespaces', says: /iptables/ },
  { drill: 'packet-latency', choice: 'namespaces', found: NO_NETEM, kind: 'proxy', says: /netem/ },
  { drill: 'host-dead', choice: 'auto', found: NO_NETEM, kind: 'namespaces', says: /iptables/ },
  { drill: 'leader-kill', choice: 'auto', found: HERE, kind: 'loopback', says: /^$/ },
  { drill: 'leader-kill', choice: 'namespaces', found: HERE, kind: 'namespaces', says: /iptables/ },
] as const) {
  const netem = found.delays ? '' : ', without netem'
  const missing = found.missing ?? `they can be used${netem}`
  void t.test(`${drill} with --network ${choice} (namespaces: ${missing}): ${kind}`, t => {
    const connected = connectedFor(named(drill), choice, found)
    t.match(connected, { kind })
    t.match(typeof connected === 'string' ? connected : connected.says.join(), says)
    t.end()
  })
}

for (const [choice, found, reason] of [
  ['auto', NOT_HERE, 'needs network namespaces: needs root'],
  ['proxy', HERE, 'needs network namespaces: a proxy was asked for'],
] as const satisfies readonly (readonly [NetworkChoice, object, string])[]) {
  void t.test(`host-dead with --network ${choice} does not run: ${reason}`, t => {
    t.equal(connectedFor(named('host-dead'), choice, found), reason)
    t.end()
  })
}

function named(name: string) {
  return DRILLS.find(drill => drill.name === name)!
}
