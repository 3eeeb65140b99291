/**
 * The few messages of etcd's KV service that a load of puts needs.
 * Source: etcd api/etcdserverpb/rpc.proto: PutRequest, TxnRequest, RequestOp, ResponseHeader.
 */

export const PUT_PATH = '/etcdserverpb.KV/Put'
export const TXN_PATH = '/etcdserverpb.KV/Txn'

export function putRequest(key: Uint8Array, value: Uint8Array): Buffer {
  return Buffer.concat([field(1, key), field(2, value)])
}

/** A transaction without conditions. */
export function txnRequest(puts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(puts.map(put => field(2, field(2, put)))) // success: RequestOp.request_put
}

/** Length-delimited. */
function field(number: number, octets: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(octets.length), octets])
}

function varint(value: number): Buffer {
  const octets: number[] = []
  for (; value > 127; value >>>= 7) octets.push((value & 127) | 128)
  return Buffer.from([...octets, value])
}

/**
 * The revision in the header of a PutResponse or TxnResponse: how many writes (puts, or transactions) the store has
 * taken, plus one. 0 where there is none.
 * @param message  after the prefix of gRPC
 */
export function revisionOf(message: Buffer): number {
  if (message[0] !== 0x0a) return 0 // header
  const end = 2 + message[1]! // it is shorter than 128 octets
  for (let at = 2; at < end;) {
    const number = message[at++]! >> 3
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const octet = message[at++]
      if (octet === undefined) return 0
      value += (octet & 127) * scale
      if (octet < 128) break
    }
    if (number === 3) return value
  }
  return 0
}
