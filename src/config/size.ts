/** Octets, or undefined where the text is no size. */
export function sizeOctets(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,15})\s*(KiB|MiB|GiB|kB|MB|GB)?$/.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (SIZE_UNITS[unit] ?? 1)
}

const SIZE_UNITS: Record<string, number> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
}
