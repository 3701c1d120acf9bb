"""The hands: through which units a dossier goes, whom it waits for, and when it is back at the counter.

Hears   intake.events (received, ended, reopened, NHAN and XONG), field.events (work done), sla.events (missed,
        overrun), rules.events
Decides hand-overs along the catalogue's processes; acknowledge, complete, forward, refer, reply, return;
        corrections of its own facts
Says    routing.events
Shows   /dossiers
"""
