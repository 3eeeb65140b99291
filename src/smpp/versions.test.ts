import t from 'tap'
import { COMMAND_STATUS, statusName, type CommandStatus } from './command-status.js'
import { statusForVersion } from './status-translation.js'
import { SMPP_VERSIONS, versionOf, versionsOf, versionText } from './versions.js'

void t.test('interface_version names a version, and what lies between is the lower one', t => {
  for (const [interface_version, version] of [
    [0x00, '3.3'],
    [0x33, '3.3'],
    [0x34, '3.4'],
    [0x40, '3.4'],
    [0x50, '5.0'],
    [0xff, '5.0'],
  ] as const) {
    t.equal(versionText(versionOf(interface_version)), version)
  }
  t.end()
})

void t.test('a PDU exists in the versions that define it, its response in the same', t => {
  t.same(versionsOf('submit_sm'), SMPP_VERSIONS)
  t.same(versionsOf('data_sm_resp').map(versionText), ['3.4', '5.0'])
  t.same(versionsOf('broadcast_sm').map(versionText), ['5.0'])
  t.same(versionsOf('query_last_msgs_resp').map(versionText), ['3.3'])
  t.end()
})

void t.test('every status of 5.0 reaches a peer of 3.4 and of 3.3 as one that it knows', t => {
  const last = { 0x33: COMMAND_STATUS.ESME_RQUERYFAIL, 0x34: COMMAND_STATUS.ESME_RUNKNOWNERR }
  for (const name of Object.keys(COMMAND_STATUS) as CommandStatus[]) {
    const status = COMMAND_STATUS[name]
    t.equal(statusForVersion(status, 0x50), status)
    for (const version of [0x33, 0x34] as const) {
      const told = statusForVersion(status, version)
      t.ok(told <= last[version] && statusName(told) !== undefined, `${name} in ${version}`)
      t.equal(told === 0, status === 0, `${name} stays what it is: a refusal or none`)
      if (status <= last[version]) t.equal(told, status, `${name} is known already`)
    }
  }
  t.equal(statusForVersion(0x410, 0x33), 0x410, 'a vendor’s own passes')
  t.end()
})
