-- The overdue list of one unit: without it every open cycle of the province that is late would be looked through.
create index cycles_open_of_unit on cycles (unit, due_at) where ended_at is null;
