-- A follower's turn, in one trip: its lock, where its bookmark stands under that lock, and how its commit is to wait.

-- No row when another process has the turn; it ends with the transaction. Read after the lock and in a snapshot of its
-- own, so what the one before has committed is seen. `_redone`: nothing is said and all of the effect would be made again
-- from the bookmark, so after a crash both may be gone together and the commit need not wait for the disk.
create function take_turn(_name text, _shard integer, _redone boolean)
returns table (epoch integer, tx xid8, "position" bigint, paused boolean) language plpgsql as $$
begin
    if pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.' || _name, _shard)) then
        if _redone then
            set local synchronous_commit = off;
        end if;
        return query select b.epoch, b.tx, b.position, b.paused_at is not null
            from bookmarks b where b.name = _name and b.shard = _shard;
    end if;
end $$;
