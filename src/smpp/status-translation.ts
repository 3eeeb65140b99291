import { COMMAND_STATUS, statusName, type CommandStatus } from './command-status.js'
import { INTERFACE_VERSION } from './constants.js'
import type { SmppVersion } from './versions.js'

/**
 * The command_status for a peer of a version: one that its version does not know becomes the nearest that it does. What
 * has no name (a vendor's own) passes.
 */
export function statusForVersion(command_status: number, version: SmppVersion): number {
  if (command_status === 0 || version >= INTERFACE_VERSION.v50) return command_status
  const name = statusName(command_status)
  if (name === undefined) return command_status
  const for34 = FOR_34[name] ?? name
  if (version >= INTERFACE_VERSION.v34) return COMMAND_STATUS[for34]
  return COMMAND_STATUS[FOR_33[for34] ?? for34]
}

/** What SMPP 5.0 added, for peers of 3.4. Broadcasts come from 5.0 peers only; their rows are for completeness. */
const FOR_34: Partial<Record<CommandStatus, CommandStatus>> = {
  ESME_RSERTYPUNAUTH: 'ESME_RINVSERTYP',
  ESME_RPROHIBITED: 'ESME_RINVCMDID',
  ESME_RSERTYPUNAVAIL: 'ESME_RSYSERR', // it may pass, and clients try again after this one
  ESME_RSERTYPDENIED: 'ESME_RINVSERTYP',
  ESME_RINVDCS: 'ESME_RSUBMITFAIL',
  ESME_RINVSRCADDRSUBUNIT: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVDSTADDRSUBUNIT: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTFREQINT: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTALIAS_NAME: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTAREAFMT: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVNUMBCAST_AREAS: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTCNTTYPE: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTMSGCLASS: 'ESME_RINVOPTPARAMVAL',
  ESME_RBCASTFAIL: 'ESME_RSUBMITFAIL',
  ESME_RBCASTQUERYFAIL: 'ESME_RQUERYFAIL',
  ESME_RBCASTCANCELFAIL: 'ESME_RCANCELFAIL',
  ESME_RINVBCAST_REP: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTSRVGRP: 'ESME_RINVOPTPARAMVAL',
  ESME_RINVBCASTCHANIND: 'ESME_RINVOPTPARAMVAL',
}

/** What SMPP 3.4 added: to a peer of 3.3, who knows no TLVs, a TLV is a body of the wrong length. */
const FOR_33: Partial<Record<CommandStatus, CommandStatus>> = {
  ESME_RINVOPTPARSTREAM: 'ESME_RINVCMDLEN',
  ESME_ROPTPARNOTALLWD: 'ESME_RINVCMDLEN',
  ESME_RINVPARLEN: 'ESME_RINVCMDLEN',
  ESME_RMISSINGOPTPARAM: 'ESME_RSUBMITFAIL',
  ESME_RINVOPTPARAMVAL: 'ESME_RSUBMITFAIL',
  ESME_RDELIVERYFAILURE: 'ESME_RSUBMITFAIL',
  ESME_RUNKNOWNERR: 'ESME_RSYSERR',
}
