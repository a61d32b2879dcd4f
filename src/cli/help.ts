/** The first thing that a newcomer reads: it fits a screen of 80 by 24. */
export const helpText = `opa-db: what an assistant remembers and what it is doing, in one PostgreSQL

  opa-db add "Ana prefers window seats"      remember it (in .opa, made at once)
  opa-db search "where does Ana like to sit" find it again
  opa-db mcp                                 serve it to an assistant (MCP)

Memories   add  search  show  list  forget  erase  import  export  embed  model
Jobs       jobs list|show|tree|stats|stuck|watch|schedules
           jobs approve|reject|cancel|retry|prune|pause|resume
Database   migrate  status  doctor  reindex  move-namespace  studio  reset

Where      --url postgres://… or DATABASE_URL: a server
           --data-dir DIR or OPA_DATA_DIR: a folder, .opa by default
           --schema NAME or OPA_SCHEMA
Output     --json for programs, --quiet: no progress, --verbose: whole errors
Exit code  0 done, 1 something is wrong, 2 wrong use

  opa-db help COMMAND                        its options, with examples
`
