import { connect } from '../../src/database/connect.ts'
import { migrate } from '../../src/database/migrate.ts'
import { runMcp } from '../../src/mcp/index.ts'

// A server as the command runs it: `node stdio-server.ts '{"location": {…}, "namespace": "ana"}'`.
const { location, ...options } = JSON.parse(process.argv[2] as string)
const { db, close } = await connect(location)
await migrate(db)
const server = await runMcp({ db, ...options })
process.once('SIGTERM', () => server.close())
await server.closed
await close()
