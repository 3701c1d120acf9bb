-- Dropping a part locks the whole table for a moment, and whoever reads it queues behind the one who waits for that
-- lock. So it waits no longer than nobody notices; who calls it tries again.
create or replace function drop_generation(_generation integer) returns void language plpgsql
set lock_timeout = '20ms' as $$
declare
    parent text;
begin
    foreach parent in array array['cycles', 'stays', 'referrals', 'charges'] loop
        execute format('drop table if exists %I', parent || '_' || _generation);
    end loop;
end $$;
