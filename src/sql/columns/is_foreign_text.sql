-- Whether a text in Latin letters that has few of the English stop words is of another language: by a letter with a
-- diacritic, or by its function words, none of which is an English word.
CREATE OR REPLACE FUNCTION is_foreign_text(document text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT document ~ '[\u00bf\u00df-\u024f\u1e00-\u1eff]'
    OR document ~ '(?<![\w''-])(?:der|das|und|ist|nicht|eine|einen|einer|ich|mit|auf|sich|wird|werden|wurde|wurden|von|dem|[Ww]ie|[Ww]er|[Ww]ann|[Ww]arum|[Ww]elche[rs]?|que|una|por|fue|como|del|cuando|donde|quien|cual|dans|une|avec|sont|cette|qui|quel|quelle|che|di|della|nel|sono|uma|foi|pelo|quem|onde|het|een|niet|voor|zijn|werd|welke|hoeveel|och|att|hur|vad|nie|jest|jak|kto|gdzie|hogy|yang|dengan|apa|siapa|bir|hangi|kim)(?![\w''-])'
$$;
