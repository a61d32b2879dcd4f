-- What search_words makes of fixed texts, as one hash: it differs where a newer server's stemmers, or newer functions, take
-- texts apart otherwise. The words have the endings that stemmers are about.
CREATE OR REPLACE FUNCTION search_fingerprint()
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT md5(string_agg(search_words(fixed.text)::text || tsvector_to_array(layered_search_vector(fixed.text))::text, E'\n' ORDER BY fixed.place))
  FROM unnest(ARRAY[
    'added adding adds odd egged ebb inning outing owed evening everything herring proceeding succeeded exceeding feed freed bleed news',
    'skis dying lying tying idly gently ugly early only singly sky atlas cosmos bias andes howe',
    'universal university universe general generation generator generous communism community communicate arsenal arsenic',
    'relational conditional rationally digitizer conformably radically differently vilely analogously vietnamization predication operator',
    'feudalism decisiveness hopefulness callousness formality sensitivity triplicate formative formalize electricity electrical hopeful goodness',
    'revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption communism activate',
    'probate rate cease controlling rolling falling hissing fizzed failing filing happy hopping hoped sized troubled conflated plastered',
    'over overing past pastes interning internal international paste intense intensive lateral later evident eventful emerging emergency',
    'Die Mietverträge wurden gekündigt, und das Bügeleisen ist kaputt',
    'El presidente habló de las negociaciones económicas y la situación',
    'Встречи перенесены на четверги, договоры подписаны, красивейшие улицы', 'الكتب والمكتبات والمدرسون يكتبون الدروس',
    'Οι συναντήσεις αναβλήθηκαν για τις Πέμπτες', 'बैठकें गुरुवार को स्थगित कर दी गईं', 'கூட்டங்கள் ஒத்திவைக்கப்பட்டன', 'հանդիպումները հետաձգվել են',
    '会议改到星期四下午三点', '東京への出張は来週です', '회의는 목요일로 옮겼습니다', 'ประชุมเลื่อนไปวันพฤหัสบดี',
    'getUserById src/database/connect.ts F-35B $2,450.00 +44 (0)20 7946 0018 state-of-the-art U.S.'
  ]) WITH ORDINALITY AS fixed (text, place)
$$;
