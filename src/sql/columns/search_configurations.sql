-- How texts that are not English are stemmed. opa_plain: English stems without a list of stop words, for other languages in
-- Latin letters: their a, in and do are words. The others: the stemmer of a script, which in the stock configurations
-- leaves English words in such a text as they are. (Russian and Hindi stem them by themselves.)
CREATE TEXT SEARCH DICTIONARY opa_stem (TEMPLATE = pg_catalog.snowball, LANGUAGE = english);
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_plain (COPY = pg_catalog.english);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_plain
  ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH opa_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_arabic (COPY = pg_catalog.arabic);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_arabic ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_greek (COPY = pg_catalog.greek);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_greek ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_armenian (COPY = pg_catalog.armenian);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_armenian ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_tamil (COPY = pg_catalog.tamil);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_tamil ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
