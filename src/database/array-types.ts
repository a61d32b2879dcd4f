import type { Sql } from 'postgres'

/**
 * The array types of PostgreSQL's own types, whose numbers never change: the type's, and its array's.
 * Source: pg_type.dat of PostgreSQL.
 */
const arrayTypes = [
  [16, 1000], // boolean
  [17, 1001], // bytea
  [19, 1003], // name
  [20, 1016], // bigint
  [21, 1005], // smallint
  [23, 1007], // integer
  [25, 1009], // text
  [26, 1028], // oid
  [114, 199], // json
  [700, 1021], // real
  [701, 1022], // double precision
  [1042, 1014], // character
  [1043, 1015], // character varying
  [1082, 1182], // date
  [1114, 1115], // timestamp
  [1184, 1185], // timestamp with time zone
  [1186, 1187], // interval
  [1700, 1231], // numeric
  [2950, 2951], // uuid
  [3802, 3807], // jsonb
] as const

interface Options {
  readonly parsers: Record<number, (text: string) => unknown>
  readonly serializers: Record<number, (value: never) => unknown>
  readonly shared: { readonly typeArrayMap: Record<number, number> }
}

/**
 * Teaches a pool of postgres.js the array types of PostgreSQL's own types, in place of its asking the server for them at
 * the start of a connection: a connection that is cut off while it asks leaves a rejection that nobody can handle, and
 * that ends the process. Arrays of other types (enums, vectors) come as text, which Drizzle's columns read.
 */
export function knowArrayTypes(client: Sql): void {
  const { parsers, serializers, shared } = client.options as unknown as Options
  for (const [type, arrayType] of arrayTypes) {
    shared.typeArrayMap[type] = arrayType
    parsers[arrayType] ??= (text) => parsedArray(text, parsers[type])
    serializers[arrayType] ??= (value: unknown) =>
      Array.isArray(value)
        ? arrayText(value, serializers[type] as ((element: unknown) => unknown) | undefined)
        : value
  }
}

/** The elements of `{…}`, of any depth; NULL is null, and bounds (`[0:1]={…}`) are left out. */
function parsedArray(text: string, parse: ((text: string) => unknown) | undefined): unknown[] {
  const root: unknown[] = []
  const open = [root]
  for (const [token, quoted] of text
    .slice(text.indexOf('{'))
    .matchAll(/"((?:[^"\\]|\\.)*)"|[{}]|[^{},"]+/gs)) {
    const innermost = open.at(-1) as unknown[]
    if (token === '{') {
      const inner: unknown[] = []
      innermost.push(inner)
      open.push(inner)
    } else if (token === '}') open.pop()
    else if (quoted === undefined && token === 'NULL') innermost.push(null)
    else {
      const element = quoted === undefined ? token : quoted.replaceAll(/\\(.)/gs, '$1')
      innermost.push(parse === undefined ? element : parse(element))
    }
  }
  return root[0] as unknown[]
}

function arrayText(
  values: readonly unknown[],
  serialize: ((element: unknown) => unknown) | undefined,
): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return arrayText(value, serialize)
    if (value === null || value === undefined) return 'NULL'
    const text = String(serialize === undefined ? value : serialize(value))
    return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`
  })
  return `{${elements.join()}}`
}
