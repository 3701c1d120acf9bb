-- The dossiers that a certificate counts and knows by their digest, with their verdicts before and after: JSON.
alter table generations add column certified_differences bytea;
