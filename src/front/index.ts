/** What the node uses of the front end. */
export { AccountRates } from './account-rates.js'
export { argon2Passwords, hashPassword } from './argon2.js'
export { expiredDeliveries, overdueParts } from './expired-deliveries.js'
export { FrontEnd } from './front.js'
export type { FrontOptions, Listen } from './ports.js'
