import type { AddressInfo } from 'node:net'
import smpp from 'smpp'

/** An SMSC of the `smpp` package that answers at once and keeps nothing. It prints its port. */
let last = 0
const server = smpp.createServer({}, session => {
  session.on('error', () => undefined)
  for (const command of ['bind_transceiver', 'enquire_link', 'unbind'])
    session.on(command, (pdu: InstanceType<typeof smpp.PDU>) => session.send(pdu.response()))
  session.on('submit_sm', (pdu: InstanceType<typeof smpp.PDU>) =>
    session.send(pdu.response({ message_id: String(++last) })),
  )
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
