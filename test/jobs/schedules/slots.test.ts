import { describe, expect, it } from 'vitest'
import { planSlots, type Rhythm } from '../../../src/jobs/schedules/slots.ts'

const rhythm = (given: Partial<Rhythm>): Rhythm => ({
  cron: null,
  timeZone: 'UTC',
  everySeconds: null,
  missed: 'all',
  missedLimit: 100,
  lateSeconds: 60,
  ...given,
})
const plan = (given: Partial<Rhythm>, after: string, now: string) => {
  const { slots, latest, next } = planSlots(rhythm(given), new Date(after), new Date(now))
  return {
    slots: slots.map((slot) => slot.toISOString()),
    latest: latest?.toISOString(),
    next: next?.toISOString(),
  }
}

describe('the slots of a schedule', () => {
  it('are all that have passed, the latest, or those in time', () => {
    const cron = '0 * * * *'
    const hours = ['2026-01-01T01:00:00.000Z', '2026-01-01T02:00:00.000Z', '2026-01-01T03:00:00.000Z']
    const given = ['2026-01-01T00:00:00Z', '2026-01-01T03:30:00Z'] as const
    const latest = hours[2]
    const next = '2026-01-01T04:00:00.000Z'
    expect(plan({ cron }, ...given)).toEqual({ slots: hours, latest, next })
    expect(plan({ cron, missedLimit: 2 }, ...given)).toEqual({ slots: hours.slice(1), latest, next })
    expect(plan({ cron, missed: 'once' }, ...given)).toEqual({ slots: [latest], latest, next })
    expect(plan({ cron, missed: 'skip' }, ...given)).toEqual({ slots: [], latest, next })
    expect(plan({ cron, missed: 'skip', lateSeconds: 1800 }, ...given)).toEqual({
      slots: [latest],
      latest,
      next,
    })
  })

  it('include the one of this very moment, and never one twice', () => {
    for (const given of [{ cron: '*/5 * * * *' }, { everySeconds: 300 }]) {
      const at = '2026-01-01T00:05:00.000Z'
      expect(plan(given, '2026-01-01T00:00:00Z', at)).toEqual({
        slots: [at],
        latest: at,
        next: '2026-01-01T00:10:00.000Z',
      })
      expect(plan(given, at, at)).toEqual({ slots: [], latest: undefined, next: '2026-01-01T00:10:00.000Z' })
      expect(plan(given, '2026-01-01T00:04:59.999Z', '2026-01-01T00:04:59.999Z').next).toBe(at)
    }
  })

  it('come once on the days on which the clock is changed', () => {
    const berlin = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }
    // 02:30 does not exist on 29 March, and is there twice on 25 October.
    expect(plan(berlin, '2026-03-28T00:00:00Z', '2026-03-31T00:00:00Z').slots).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(plan(berlin, '2026-10-24T00:00:00Z', '2026-10-27T00:00:00Z').slots).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    const hourly = { cron: '0 * * * *', timeZone: 'Europe/Berlin' }
    expect(plan(hourly, '2026-10-24T23:30:00Z', '2026-10-25T03:30:00Z').slots).toHaveLength(4)
    expect(plan(hourly, '2026-03-28T23:30:00Z', '2026-03-29T03:30:00Z').slots).toHaveLength(4)
  })

  it('are the same, whether the days of the change are looked at in one go or minute by minute', () => {
    for (const [from, until] of [
      ['2026-03-28T22:00:00Z', '2026-03-29T04:00:00Z'],
      ['2026-10-24T22:00:00Z', '2026-10-25T04:00:00Z'],
    ] as const) {
      for (const cron of ['30 2 * * *', '*/20 * * * *', '15 1-3 * * *', '0 0 2 * * *']) {
        const given = { cron, timeZone: 'Europe/Berlin' }
        const whole = plan(given, from, until).slots
        const steps: string[] = []
        for (let at = Date.parse(from); at < Date.parse(until); at += 60_000) {
          const { slots } = plan(given, new Date(at).toISOString(), new Date(at + 60_000).toISOString())
          steps.push(...slots)
        }
        expect(steps, cron).toEqual(whole)
      }
    }
  })

  it('of a year of seconds are found at once', () => {
    const begun = performance.now()
    for (const given of [{ cron: '* * * * * *' }, { everySeconds: 1 }]) {
      const { slots } = plan(given, '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z')
      expect(slots).toHaveLength(100)
      expect(slots.at(-1)).toBe('2026-01-01T00:00:00.000Z')
    }
    expect(performance.now() - begun).toBeLessThan(2000)
  })

  it('end where there is none any more, and refuse what cannot be read', () => {
    expect(plan({ cron: '0 0 30 2 *' }, '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')).toEqual({
      slots: [],
      latest: undefined,
      next: undefined,
    })
    expect(() => plan({ cron: '61 * * * *' }, '2026-01-01', '2026-01-02')).toThrow(/minute: 61/)
    expect(() => plan({ cron: '* * * * *', timeZone: 'Mars/X' }, '2026-01-01', '2026-01-02')).toThrow(
      /Mars\/X/,
    )
  })

  it('of periods that are no whole milliseconds never go back', () => {
    let after = new Date('2026-01-01T00:00:00Z')
    for (let n = 0; n < 2000; n += 1) {
      const now = new Date(after.getTime() + 1 + (n % 7))
      const { slots, next } = planSlots(rhythm({ everySeconds: 1.0007 }), after, now)
      for (const slot of slots) expect(slot > after && slot <= now).toBe(true)
      expect(next && next > now && next.getTime() - now.getTime() <= 1002).toBe(true)
      after = slots.at(-1) ?? now
    }
  })
})
