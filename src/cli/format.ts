/** `12,345`. */
export function count(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** `1 memory`, `12,345 memories`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}

/** `850 ms`, `3.2 s`, `4 min`, `2 h 05 min`, `3 days`: as exact as one reads it. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 48 * 3600) {
    const minutes = Math.floor((seconds % 3600) / 60)
    return `${Math.floor(seconds / 3600)} h ${String(minutes).padStart(2, '0')} min`
  }
  return `${Math.floor(seconds / 86_400)} days`
}

/** Time left in a progress line: `0:42`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

/** `12 kB`, `3.4 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** A time as people read it, in the zone of this machine: `2026-01-31 09:00`. */
export function time(date: Date): string {
  const part = (number: number) => String(number).padStart(2, '0')
  const day = [date.getFullYear(), part(date.getMonth() + 1), part(date.getDate())].join('-')
  return `${day} ${part(date.getHours())}:${part(date.getMinutes())}`
}

/** How long ago, in a column: `12 s`, `5 min`, `3 h`, `2 d`. */
export function age(date: Date, now = Date.now()): string {
  const seconds = Math.max(0, (now - date.getTime()) / 1000)
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

const hashed = /^[0-9a-f]{64}$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-/

/** An id short enough for a table: a hash by its first 8 digits, of which `show` and `forget` need no more. */
export function shortId(id: string): string {
  return hashed.test(id) ? id.slice(0, 8) : id
}

/** Ids of jobs are UUIDs whose beginning is the time: their end tells them apart. */
export function shortJobId(id: string): string {
  return uuid.test(id) ? id.slice(-12) : id
}
