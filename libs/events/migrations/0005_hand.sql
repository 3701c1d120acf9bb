-- The operator's hand: who settled what is parked, and who told a follower to stand still.

alter table parked
    add column settled_by  text,         -- the operator; null where the service tried it again by itself, at a start
    add column settled_at  timestamptz,
    add column settled_why text;         -- a code, as in the fact OperatorActed

alter table bookmarks
    add column paused_by  text,          -- the operator
    add column paused_at  timestamptz,   -- set: this follower applies nothing until it is resumed
    add column paused_why text;          -- a code, as in the fact OperatorActed

-- As before, but a paused bookmark does not move either: who had read on before the pause is rolled back.
create or replace function move(
    _name text, _shard integer, _epoch integer, _tx xid8, _position bigint,
    _from_epoch integer, _from_tx xid8, _from_position bigint
) returns void language plpgsql as $$
begin
    update bookmarks set epoch = _epoch, tx = _tx, position = _position
    where name = _name and shard = _shard and (epoch, tx, position) = (_from_epoch, _from_tx, _from_position)
      and paused_at is null;
    if not found then
        raise exception 'the bookmark % has moved on, or is paused', _name using errcode = 'OD004';
    end if;
end $$;
