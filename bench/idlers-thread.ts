import type { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { encodePdu } from '../src/smpp/codec.js'
import { COMMAND_IDS } from '../src/smpp/command-ids.js'
import { Framer } from '../src/smpp/framing.js'
import { keep } from './attacks.js'
import type { IdlersData, IdlersNews } from './idlers.js'

/** A thread of sessions that are bound and do nothing but answer enquire_link. It posts how many are, and how often it was asked. */
const { port, count, accounts } = workerData as IdlersData
const news: IdlersNews = { bound: 0, asked: 0 }
/** A few at a time: the backlog of a listening socket is short. */
const BINDING_AT_ONCE = 50
const PDU_OCTETS_MAX = 1_024

let begun = 0
for (let i = 0; i < BINDING_AT_ONCE; i++) next()
setInterval(() => parentPort!.postMessage(news), 100)

function next(): void {
  if (begun < count) keep(port, bind(accounts[begun++ % accounts.length]!))
}

function bind(system_id: string): (socket: Socket) => void {
  return socket => {
    const framer = new Framer(PDU_OCTETS_MAX)
    socket.on('data', chunk => {
      framer.push(chunk, ({ command_id, command_status, sequence_number }) => {
        if (command_id === COMMAND_IDS.enquire_link) {
          news.asked++
          socket.write(encodePdu('enquire_link_resp', { sequence_number }))
        } else if (command_status === 0) {
          news.bound++
          next()
        }
        return true
      })
    })
    const body = { system_id, password: 'secret1', interface_version: 0x34 }
    socket.write(encodePdu('bind_transceiver', { sequence_number: 1 }, body))
  }
}
