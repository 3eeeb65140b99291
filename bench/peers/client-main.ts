import { driveAppends, type AppendLoad } from './clients/append-client.js'
import { driveEcho, type EchoLoad } from './clients/echo-client.js'
import { driveEtcd, type EtcdLoad } from './clients/etcd-client.js'
import { Meter, PROCESS_PORTS, type LoadTime } from './clients/meter.js'
import { driveNats, type NatsLoad } from './clients/nats-client.js'
import { driveSendsms, type SendsmsLoad } from './clients/sendsms-client.js'

/** What the one argument of this process says, as JSON. It prints a LoadReport as one line of JSON. */
export type ClientLoad = AppendLoad | EchoLoad | EtcdLoad | NatsLoad | SendsmsLoad

function drive(load: ClientLoad, meter: Meter): Promise<string[]> {
  switch (load.kind) {
    case 'append':
      return driveAppends(load, meter)
    case 'echo':
      return driveEcho(load, meter)
    case 'etcd':
      return driveEtcd(load, meter)
    case 'nats':
      return driveNats(load, meter)
    case 'sendsms':
      return driveSendsms(load, meter)
  }
}

const load = JSON.parse(process.argv[2]!) as ClientLoad & LoadTime
const meter = new Meter(load, PROCESS_PORTS)
const problems = await drive(load, meter)
// what a peer keeps open towards us must not keep us
process.stdout.write(`${JSON.stringify(meter.report(problems))}\n`, () => process.exit(0))
