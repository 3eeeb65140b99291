import type { DistributionList } from './settings.js'

/** The list that an account means by this name: its own, else that of all. Source: SMPP 3.4 §4.5.1. */
export function findList(
  lists: readonly DistributionList[],
  account: string,
  name: string,
): DistributionList | undefined {
  return (
    lists.find(list => list.name === name && list.account === account) ??
    lists.find(list => list.name === name && list.account === null)
  )
}
