/** What differs between Kannels; the rest is that of a bearerbox and a smsbox of our own on loopback. */
export interface KannelOptions {
  admin: number
  boxes: number
  /** Where smsbox takes messages over HTTP; its user is tester, and so is the password. */
  send: number
  /** Its SMSC, which is us; `more` are lines of the group. */
  smsc: { id: string; port: number; username: string; password: string; more: string }
  /** Lines of the group sendsms-user. */
  user: string
  /** Lines of the group sms-service, which takes every MO. */
  service: string
}

/** The text of a kannel.conf. */
export function kannelConfiguration({
  admin,
  boxes,
  send,
  smsc,
  user,
  service,
}: KannelOptions): string {
  return `group = core
admin-port = ${admin}
admin-password = admin
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = ${boxes}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = ${smsc.id}
host = 127.0.0.1
port = ${smsc.port}
transceiver-mode = true
smsc-username = ${smsc.username}
smsc-password = ${smsc.password}
system-type = ""
interface-version = 34
${smsc.more}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${send}

group = sendsms-user
username = tester
password = tester
${user}

group = sms-service
keyword = default
catch-all = true
max-messages = 0
${service}
`
}
