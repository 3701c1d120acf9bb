-- A restatement names what caused it, also when that is a swap, and has all the dossiers that differ.

alter table changes   add column swap text;     -- the swap that changed the case; null: a fact heard of it
alter table restating add column swap text;     -- the swap behind the mark
alter table restatements add column cases text[];  -- every dossier that differs; the fact names only the first of them
