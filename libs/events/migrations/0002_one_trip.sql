-- What goes in one statement with an append, or with what was heard, so that a follower needs one trip to the database.

-- Moves a bookmark from one place to another. Raises OD004 when it does not stand there: somebody else was first.
create function move(
    _name text, _shard integer, _epoch integer, _tx xid8, _position bigint,
    _from_epoch integer, _from_tx xid8, _from_position bigint
) returns void language plpgsql as $$
begin
    update bookmarks set epoch = _epoch, tx = _tx, position = _position
    where name = _name and shard = _shard and (epoch, tx, position) = (_from_epoch, _from_tx, _from_position);
    if not found then
        raise exception 'the bookmark % has moved on', _name using errcode = 'OD004';
    end if;
end $$;
