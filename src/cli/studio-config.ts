// What drizzle-kit needs to know for Studio. It is read by drizzle-kit, in a process of its own: openStudio says the rest
// in its environment, so that no password is written to a file.
export default {
  dialect: 'postgresql',
  schema: process.env.OPA_STUDIO_SCHEMA,
  dbCredentials: { url: process.env.DATABASE_URL },
}
