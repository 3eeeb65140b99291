/** What happens to packets on their way in one direction. */
export interface Line {
  blocked: boolean
  /** Share that is lost. */
  loss: number
  delayMs: number
  /** Added at random, up to so much. */
  jitterMs: number
}

export const HEALTHY: Line = { blocked: false, loss: 0, delayMs: 0, jitterMs: 0 }

/** Nodes' addresses end in their ids. The bridge is where the SMSC listens and ESMEs come from. */
export const BRIDGE_HOST = '10.77.0.254'
export const NODES_MAX = 200
export const hostOf = (id: number): string => `10.77.0.${id}`

/** The node's, the same after its namespace was made anew, so that its neighbours need not ask. */
const macOf = (id: number): string => `02:00:0a:4d:00:${id.toString(16).padStart(2, '0')}`
const BRIDGE = 'carillon'
const linkOf = (id: number): string => `node${id}`

/** For `sh -e` in the drill's own namespace. */
export const BRIDGE_SCRIPT = `
ip link add name ${BRIDGE} type bridge
ip addr add ${BRIDGE_HOST}/24 dev ${BRIDGE}
ip link set ${BRIDGE} up
`
export const NO_BRIDGE_SCRIPT = `ip link del ${BRIDGE} 2>/dev/null || :`

/**
 * The same, for a node's namespace, which `file` names. Segments leave one by one, as on Ethernet: the kernel
 * would carry up to 64 KiB of them as one packet through a veth, and lose them together.
 */
export const nodeScript = (id: number, file: string): string => `
ip link add name ${linkOf(id)} type veth peer name eth0 netns ${file}
ip link set ${linkOf(id)} master ${BRIDGE} gso_max_segs 1
ip link set ${linkOf(id)} up
ip link set ${BRIDGE} gso_max_segs 1
nsenter --net=${file} -- sh -ec '
ip link set lo up
ip link set eth0 address ${macOf(id)} gso_max_segs 1
ip addr add ${hostOf(id)}/24 dev eth0
ip link set eth0 up
'
`
export const noNodeScript = (id: number): string => `ip link del ${linkOf(id)} 2>/dev/null || :`

/**
 * For iptables-restore in the namespace of a node: what comes from others is dropped where it comes in, so that whoever sent
 * it is not told, as a rule for what goes out would tell it.
 *
 * @param from  the others, and what happens to what they say to it
 * @param dead  nothing comes in or goes out
 */
export function filterText(from: ReadonlyMap<number, Line>, dead: boolean): string {
  const policy = dead ? 'DROP' : 'ACCEPT'
  const drops = [...from].flatMap(([id, { blocked, loss }]) => {
    if (blocked) return [`-A INPUT -s ${hostOf(id)} -j DROP`]
    if (loss === 0) return []
    const chance = `-m statistic --mode random --probability ${loss}`
    return [`-A INPUT -s ${hostOf(id)} ${chance} -j DROP`]
  })
  const chains = [`:INPUT ${policy} [0:0]`, ':FORWARD ACCEPT [0:0]', `:OUTPUT ${policy} [0:0]`]
  return ['*filter', ...chains, ...drops, 'COMMIT', ''].join('\n')
}

/**
 * For `sh -e` in the namespace of a node: what it says to others is delayed by netem; packets stay in order, for
 * which netem needs a rate. Source: tc-netem(8)
 *
 * @param to  the others, and what happens to what it says to them
 */
export function delayScript(to: ReadonlyMap<number, Line>): string {
  const slow = [...to].filter(([, { delayMs, jitterMs }]) => delayMs + jitterMs > 0)
  const none = 'tc qdisc del dev eth0 root 2>/dev/null || :\n'
  if (slow.length === 0) return none
  const bands = slow.length + 1
  const usual = Array.from({ length: 16 }, () => '0').join(' ')
  const lines = slow.flatMap(([id, { delayMs, jitterMs }], i) => [
    `tc qdisc add dev eth0 parent 1:${i + 2} netem delay ${delayMs + jitterMs / 2}ms ${jitterMs / 2}ms rate 1gbit`,
    `tc filter add dev eth0 parent 1: protocol ip u32 match ip dst ${hostOf(id)}/32 flowid 1:${i + 2}`,
  ])
  const root = `tc qdisc add dev eth0 root handle 1: prio bands ${bands} priomap ${usual}`
  return [none + root, ...lines, ''].join('\n')
}
