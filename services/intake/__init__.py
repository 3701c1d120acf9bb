"""The door: fifteen counters, customers' applications over Zalo, and every message in and out.

Hears   routing.events (a dossier was forwarded, recalled, returned; whom it waits for on the way), rules.events;
        other systems, at POST /events and on provincial.inbound
Decides receive, supplement, refuse, withdraw, stop, extend, close, reopen, rate;
        reclassify and correct; what is told to whom; which events of others are taken in
Says    intake.events, provincial.events, provincial.refusals
Shows   /applications, /submissions, /messages, /zalo/quarantine; people's data, to those who may see it;
        the published language, at /asyncapi and /schemas; to an emitter what became of its events, at /events
"""
