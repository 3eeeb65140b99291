import { createServer, type AddressInfo } from 'node:net'

/** Sends back what comes, and prints its port. */
const server = createServer({ noDelay: true }, socket => {
  socket.on('error', () => undefined)
  socket.pipe(socket)
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
