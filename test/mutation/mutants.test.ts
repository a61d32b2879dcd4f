import { expect, it } from 'vitest'
import { mutantsOf } from './mutants.ts'

const body = `
BEGIN
  -- not 7 nor AND a < b
  IF a <= 3 AND b BETWEEN 1 AND 9 OR c IS NULL THEN
    RAISE EXCEPTION 'got 8 < 9';
  END IF;
  RETURN a @> b, least(a, x - 1), '{"a": 4}'::jsonb, t.c1, $1;
END
`

it('changes each place of a body once, and nothing else', () => {
  const changed = mutantsOf(body).map(({ line, after }) => [line, after])
  expect(changed).toEqual([
    [4, 'IF a < 3 AND b BETWEEN 1 AND 9 OR c IS NULL THEN'],
    [4, 'IF a <= 3 AND b BETWEEN 1 AND 9 OR c IS NOT NULL THEN'],
    [4, 'IF a <= 3 OR b BETWEEN 1 AND 9 OR c IS NULL THEN'],
    [4, 'IF a <= 3 AND b BETWEEN 1 AND 9 AND c IS NULL THEN'],
    [4, 'IF a <= 4 AND b BETWEEN 1 AND 9 OR c IS NULL THEN'],
    [4, 'IF a <= 3 AND b BETWEEN 2 AND 9 OR c IS NULL THEN'],
    [4, 'IF a <= 3 AND b BETWEEN 1 AND 10 OR c IS NULL THEN'],
    [7, `RETURN a @> b, least(a, x - 2), '{"a": 4}'::jsonb, t.c1, $1;`],
    [7, `RETURN a @> b, greatest(a, x - 1), '{"a": 4}'::jsonb, t.c1, $1;`],
    [7, `RETURN a @> b, least(a, x + 1), '{"a": 4}'::jsonb, t.c1, $1;`],
  ])
})

it('gives the whole body with the change in it', () => {
  for (const { body: mutated, before, after } of mutantsOf(body)) {
    expect(mutated).not.toBe(body)
    expect(mutated.replace(after, before)).toBe(body)
  }
})
