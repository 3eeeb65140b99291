/** An address for logs: its last four characters, and nothing of those with no more than four. */
export function maskAddress(address: string): string {
  return address.length <= 4 ? '*'.repeat(address.length) : `*${address.slice(-4)}`
}
