-- What each version of a rule was when this service first used it: one id@version has one content, for ever.

create table rule_versions (
    id          text primary key,          -- VN-PAC@2017.1, LV-RES-URBAN@2017-07-01
    fingerprint text        not null,      -- SHA-256 of its terms, see Catalogue.fingerprints
    first_used  timestamptz not null default clock_timestamp()
);
