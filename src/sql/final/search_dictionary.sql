-- After every migration: what the stored lexemes were made by, where that is not known yet.
SELECT record_search_dictionary();
