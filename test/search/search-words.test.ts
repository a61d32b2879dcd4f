import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  explainSearch,
  foldSearchStatistics,
  hybridSearch,
  InvalidInputError,
  recall,
  rememberMany,
  type SearchFilter,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

/** What is asked, the text that must be first, and one that must not. */
const identifiers: [string, string, string][] = [
  ['user by id', 'call getUserById before', 'the user left'],
  ['getUserById', 'call getUserById before', 'get by with a user'],
  ['database connect', 'see src/database/connect.ts', 'we connect on Monday'],
  ['example.org', 'write to ana.lopez@example.org', 'an example'],
  ['lopez', 'write to ana.lopez@example.org', 'write to us'],
  ['login page', 'merged feature/login-page', 'the page is blank'],
  ['search items', 'opa.search_items is fast', 'search the house'],
  ['0.8.0', 'needs pgvector-0.8.0', 'room 8'],
  ['1234', 'see ABC-1234', 'see ABC-99'],
  ['P8A', 'the P-8A is grounded', 'platform 8'],
  ['1234.56', 'paid $1,234.56 today', 'paid 1234 today'],
  ['02079460018', 'call +44 (0)20 7946 0018', 'call 020 7000 0000'],
  ['345678', 'order 12345678 is late', 'order 87654321 is late'],
  ['US', 'the U.S. office', 'the office'],
  ['LoginForm', 'renders <LoginForm>', 'a form'],
]

const languages: [string, string, string][] = [
  ['Mietvertrag', 'Die Mietverträge wurden gekündigt', 'Das Auto ist kaputt'],
  ['prefere', 'Zoë préfère le thé', 'The tea is cold'],
  ['nino', 'El niño duerme', 'El perro duerme'],
  ['Joao', 'João chega amanhã', 'Maria chega hoje'],
  ['ёлка', 'Елка стоит в углу', 'Кошка спит'],
  ['встречи', 'Встреча перенесена на четверг', 'Кошка спит'],
  ['کتاب', 'این کتاب خوب است', 'سلام دنیا'],
  ['مكتبة', 'ذهبنا إلى المكتبة', 'القطة نائمة'],
  ['שלום', 'שָׁלוֹם עולם', 'בוקר טוב'],
  ['星期四的会议', '会议改到星期四下午三点', '他喜欢喝绿茶'],
  ['茶', '他喜欢喝绿茶', '会议改到星期四'],
  ['出張はいつ', '東京への出張は来週の火曜日です', '猫が好きです'],
  ['회의', '회의는 목요일로 옮겼습니다', '고양이가 잔다'],
  ['ประชุมวันไหน', 'ประชุมเลื่อนไปวันพฤหัสบดี', 'แมวนอนหลับ'],
  ['docker', '我们用 Docker 部署服务', '今天下雨'],
  ['ticket 1234', 'Ｔｉｃｋｅｔ １２３４ is closed', 'Nothing'],
  ['cafe', 'the cafe\u0301 is closed', 'the bar is closed'],
  ['🍜', 'Team dinner 🍜 on Monday', 'No dinner'],
]

const stopWords: [string, string, string][] = [
  ['The Who', 'Ana likes The Who', 'the man who likes Ana'],
  ['Will', 'Will leads the team', 'he will lead the team'],
  ['Who is Will?', 'Will leads the team', 'who is there'],
  ['Don', 'Ask Don about it', "they don't ask"],
  ['Can', 'The band Can played', 'he can play'],
  ['It', 'She reads It by King', 'she says it rains'],
  ['IT', 'Ask IT for a badge', 'ask for it'],
  ['to be or not to be', 'He said: to be, or not to be', 'he is not to be seen'],
]

const mistakes: [string, string][] = [
  ['Micheal', 'Michael called'],
  ['Jhon', 'John called'],
  ['Postgers', 'Postgres was upgraded'],
  ['seperate', 'keep separate accounts'],
  ['reciept', 'the receipt is lost'],
  ['brithday', 'a birthday in May'],
  ['invioce', 'the invoice is due'],
  ['kuberrnetes', 'Kubernetes was upgraded'],
  ['adress', 'a new address'],
  ['встерча', 'встреча в четверг'],
]

describeOnEachBackend('words', (test) => {
  afterEach(() => clearMemories(test.db))
  const remembered = (...texts: string[]) =>
    rememberMany(test.db, { items: texts.map((text, at) => ({ id: String.fromCharCode(97 + at), text })) })
  const found = async (queryText: string, filter: SearchFilter = {}) =>
    idsOf(await bm25Search(test.db, { queryText, filter }))

  it.each([...identifiers, ...languages, ...stopWords])('%s finds %s', async (asked, first, other) => {
    await remembered(other, first, 'something else entirely about the weather')
    expect((await found(asked))[0]).toBe('b')
    expect((await recall(test.db, { question: asked }))[0]?.id).toBe('b')
    expect((await hybridSearch(test.db, { queryText: asked, queryEmbedding: embedding(1) }))[0]?.id).toBe('b')
  })

  it.each(mistakes)('%s finds %s, before and after a fold, and says so', async (asked, text) => {
    await remembered(text, 'the line is dead', 'shoes and socks')
    const before = await bm25Search(test.db, { queryText: asked })
    expect(idsOf(before)).toEqual(['a'])
    expect(Object.keys(before[0]?.corrections ?? {})).toEqual([asked])
    expect((await explainSearch(test.db, { queryText: asked })).corrections).toEqual(before[0]?.corrections)
    await foldSearchStatistics(test.db)
    expect(await bm25Search(test.db, { queryText: asked })).toEqual(before)
  })

  it('reads what is asked alike, whatever is excluded beside it', async () => {
    await rememberMany(test.db, { items: ['C++', 'Zürich', 'coffee'].map((text) => ({ id: text, text })) })
    const asked = async (queryText: string) => bm25Search(test.db, { queryText, filter: { fuzzy: false } })
    // Its language is told by the words that are left, and not by the blanks where others were.
    expect(await asked('C++ Zürich -coffee')).toEqual(await asked('C++ Zürich'))
    expect(await asked('-coffee  C++ Zürich -"tea cup"')).toEqual(await asked('C++ Zürich'))
  })

  it('says nothing of corrections where there are none', async () => {
    await remembered('Michael called')
    expect((await bm25Search(test.db, { queryText: 'Michael' }))[0]).not.toHaveProperty('corrections')
    expect((await hybridSearch(test.db, { queryText: 'Micheal' }))[0]?.corrections).toEqual({
      Micheal: 'michael',
    })
  })

  it('puts what matches as written before what matches by a correction alone', async () => {
    await remembered(
      'Marie',
      'the penicillin is in the fridge, behind the butter and all the other things that are cold',
      'tea',
    )
    const results = await bm25Search(test.db, { queryText: 'Maria penicillin' })
    expect(idsOf(results)).toEqual(['b', 'a'])
    const hybrid = await hybridSearch(test.db, { queryText: 'Maria penicillin' })
    expect(hybrid.map((row) => row.bm25Score)).toEqual(results.map((row) => row.score))
  })

  it('corrects among the rows that pass the filter, whatever others wrote', async () => {
    await rememberMany(test.db, {
      items: [
        { id: 'own', namespace: 'ana', text: 'the invoice is due' },
        { id: 'same', namespace: 'bob', text: 'the invioce is due' },
        { id: 'near', namespace: 'bob', text: 'invioces and invioced' },
        { id: 'tagged', namespace: 'ana', text: 'shoes', tags: ['shoe'] },
      ],
    })
    for (const fold of [false, true]) {
      if (fold) await foldSearchStatistics(test.db)
      const filter = { namespace: 'ana' }
      expect(await found('invioce', filter)).toEqual(['own'])
      expect((await found('invioce')).sort()).toEqual(['near', 'same'])
      const explained = JSON.stringify(await explainSearch(test.db, { queryText: 'invioce', filter }))
      expect(explained).toContain('"invioce":"invoic"')
      expect(explained).not.toContain('"lexeme":"invioc"')
      expect(await found('invioce', { ids: ['tagged'] })).toEqual([])
      expect(await found('invioce', { ...filter, fuzzy: false })).toEqual([])
    }
  })

  it('finds the words that begin as the last one, or one with a star, does', async () => {
    await remembered('Kubernetes was upgraded', 'Cubes', 'kubectl is a command')
    for (const fold of [false, true]) {
      if (fold) await foldSearchStatistics(test.db)
      expect((await found('kub', { prefix: true })).sort()).toEqual(['a', 'c'])
      expect(await found('kub', { fuzzy: false })).toEqual([])
      expect(await found('upgraded kubern', { prefix: true })).toEqual(['a'])
      expect((await found('kub*')).sort()).toEqual(['a', 'c'])
      expect(await found('kub*', { operators: false, fuzzy: false })).toEqual([])
    }
  })

  it('asks for a least share of the words', async () => {
    await remembered('the window seat on the flight to Rome', 'a window', 'a seat by the window')
    expect(await found('window seat flight rome')).toEqual(['a', 'c', 'b'])
    expect(await found('window seat flight rome', { minMatch: 0.5 })).toEqual(['a', 'c'])
    expect(await found('window seat flight rome', { minMatch: 1 })).toEqual(['a'])
    const hybrid = await hybridSearch(test.db, {
      queryText: 'window seat flight rome',
      queryEmbedding: embedding(1),
      filter: { minMatch: 0.5 },
    })
    expect(hybrid.filter((row) => row.bm25Rank !== null).map((row) => row.id)).toEqual(['a', 'c'])
    for (const minMatch of [-0.1, 1.1, Number.NaN])
      await expectRefusal(
        bm25Search(test.db, { queryText: 'x', filter: { minMatch } }),
        InvalidInputError,
        'minMatch',
      )
  })

  it('keeps a head of another language from outranking English stems: forms of a word share a weight', async () => {
    await remembered('organisation of the meeting', 'organisation', 'Die Organisation ist nicht und das')
    const { lexemes } = await explainSearch(test.db, { queryText: 'organisation' })
    expect(new Set(lexemes.map(({ idf }) => idf)).size).toBe(1)
    expect(lexemes.map(({ lexeme }) => lexeme)).toEqual(['organi\u0002', 'organis'])
  })

  it('stores no lexeme that a text could ask for by a control character', async () => {
    await remembered('organisation und das ist nicht eine', 'tea')
    expect(await found('organi\u0002', { fuzzy: false })).toEqual([])
    const rows = await queryRows(test.db, sql`SELECT id FROM memory_items WHERE search_vector @@ 'und'`)
    expect(rows).toHaveLength(1)
  })
})

describeOnEachBackend('scripts in one database', (test) => {
  beforeEach(async () => {
    await rememberMany(test.db, {
      items: Array.from({ length: 30 }, (_, at) => ({
        id: `e${at}`,
        text: `an English note about thing ${at}`,
      })).concat(
        ['ذهب في البيت', 'كتاب في المدرسة', 'سيارة في الشارع'].map((text, at) => ({ id: `a${at}`, text })),
      ),
    })
  })

  it('weigh a word among the texts of its script', async () => {
    // What every Arabic text says is as good as a stop word, however few of all texts are Arabic.
    const { lexemes } = await explainSearch(test.db, { queryText: 'في المدرسة' })
    const idf = new Map(lexemes.map((lexeme) => [lexeme.lexeme, lexeme.idf]))
    expect(idf.get('في')).toBeCloseTo(Math.log(1 + 0.5 / 3.5), 9)
    expect(Math.max(...idf.values())).toBeCloseTo(Math.log(1 + 2.5 / 1.5), 9)
  })
})
