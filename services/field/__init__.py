"""The field: work orders of the teams, visits, obstacles, and work handed over on site.

Hears   routing.events (a hand-over that asks for work; what ends the asking), rules.events
Decides schedule and miss a visit, start, obstruct, resume, complete with evidence; corrections of its own facts
Says    field.events
Shows   /workorders
"""
