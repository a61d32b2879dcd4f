import { beforeAll, expect, it } from 'vitest'
import { type HighlightOptions, highlight, InvalidInputError, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

/** The text, what is asked, and the text as it is shown. */
const shown: [string, string, string][] = [
  ['Ana prefers window seats', 'windo seat', 'Ana prefers <window> <seats>'],
  ['会议改到星期四下午三点', '星期四的会议', '<会议>改到<星期四>下午三点'],
  ['他喜欢喝绿茶', '茶', '他喜欢喝绿<茶>'],
  ['ประชุมเลื่อนไปวันพฤหัสบดี', 'ประชุมวันไหน', '<ประชุม>เลื่อนไป<วัน>พฤหัสบดี'],
  ['Die Mietverträge wurden gekündigt', 'Mietvertrag', 'Die <Mietverträge> wurden gekündigt'],
  ['Встреча перенесена', 'встречи', '<Встреча> перенесена'],
  [
    'call getUserById in src/database/connect.ts',
    'user database',
    'call <getUserById> in src/<database>/connect.ts',
  ],
  ['the F-35B costs $2,450.00 at v1.3.1', 'F35B 2450.00', 'the <F-35B> costs $<2,450.00> at v1.3.1'],
  ['an Array<string> of\u0001 marks', 'string', 'an Array<<string>> of\u0001 marks'],
]

describeOnEachBackend('highlight', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: [
        ...shown.map(([text], at) => ({ id: `t${at}`, text })),
        { id: 'ana', namespace: 'ana', text: 'the invoice is due' },
        { id: 'bob', namespace: 'bob', text: 'the invioce is due' },
      ],
    })
  })
  const show = (options: HighlightOptions) => highlight(test.db, { startTag: '<', stopTag: '>', ...options })

  it.each(shown)('%s by %s', async (text, queryText, expected) => {
    expect(await show({ text, queryText })).toBe(expected)
  })

  it('escapes HTML where it is asked to, but not the tags', async () => {
    const text = `<b>"window"</b> & 'seat' of Array<string>`
    expect(await highlight(test.db, { text, queryText: 'window string', html: true })).toBe(
      '&lt;b&gt;&quot;<b>window</b>&quot;&lt;/b&gt; &amp; &#39;seat&#39; of Array&lt;<b>string</b>&gt;',
    )
    expect(await highlight(test.db, { text, queryText: 'neverwritten', html: true })).not.toContain('<')
    expect(await show({ text, queryText: 'neverwritten' })).toBe(text)
  })

  it('marks a corrected word as the search with the same filter found it', async () => {
    const asked = { text: 'the invoice is due', queryText: 'invioce' }
    expect(await show({ ...asked, filter: { namespace: 'ana' } })).toBe('the <invoice> is due')
    expect(await show(asked)).toBe(asked.text)
    expect(await show({ ...asked, filter: { namespace: 'ana', fuzzy: false } })).toBe(asked.text)
  })

  it('shows the part with the most different words of the query', async () => {
    const filler = 'nothing here '.repeat(60)
    const text = `${filler}a window alone ${filler}a window with seats ${filler}`
    const part = await show({ text, queryText: 'window seat', maxWords: 8 })
    expect(part).toContain('<window> with <seats>')
    expect(part.split(' ').length).toBeLessThanOrEqual(8)
    const whole = await show({ text, queryText: 'window seat', maxWords: 0 })
    expect(whole.replaceAll(/[<>]/g, '')).toBe(text)
    expect(whole.match(/</g)).toHaveLength(3)
  })

  it('refuses a text that is longer than a memory can be, and options that are none', async () => {
    await expectRefusal(
      show({ text: 'x'.repeat(65_537), queryText: 'x' }),
      InvalidInputError,
      '65536',
      '65537',
    )
    await expectRefusal(
      show({ text: 'x', queryText: 'x', filter: { since: 'x' } }),
      InvalidInputError,
      'since',
    )
  })
})
