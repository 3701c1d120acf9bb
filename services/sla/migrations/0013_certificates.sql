-- What a rebuild vouches for, signed (certificate.py): JSON as it is handed out.
alter table generations add column certificate bytea;
