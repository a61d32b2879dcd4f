import { type Check, ok } from './finding.ts'

export const migrationsCheck: Check = {
  name: 'migrations',
  async examine() {
    return ok('')
  },
}
