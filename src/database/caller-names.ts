/** SQL arguments whose options in TypeScript have another name than their own in camelCase. */
const optionNames: Readonly<Record<string, string>> = {
  after_id: 'after',
  approved_by: 'by',
  rejected_by: 'by',
  job_id: 'id',
  job_ids: 'ids',
  max_jobs: 'limit',
  page_size: 'limit',
  role_name: 'role',
}

/**
 * The message of an error that one of this package's SQL functions raised, with the names of the options that a caller
 * in TypeScript gave: `claim: max_jobs must be …` is `claim: limit must be …`. What came is left as it is.
 */
export function callerNames(message: string): string {
  // What triggers say begins with the id of a row, which may look like a name: `job nightly_report: max_attempts must …`.
  const ofRow = /^(job|memory) /.test(message)
  const from = ofRow ? message.lastIndexOf(': ', message.indexOf(' must ')) + 1 : 0
  if (ofRow && from === 0) return message
  const came = message.slice(from).search(/[,;] got |"| in queue /)
  const to = came === -1 ? message.length : from + came
  const renamed = message
    .slice(from, to)
    .replace(
      /\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g,
      (name) =>
        optionNames[name] ?? name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    )
  return message.slice(0, from) + renamed + message.slice(to)
}
