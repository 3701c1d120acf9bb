"""The demo: a quarter of one-door work, made up by a seed and played through the services' public doors.

proportions   what the article says and what the generator assumes
people        made-up applicants
deal          which dossier is what, where and when
hands, ways   the script of one dossier
script, plan  the whole quarter: pure, the same for the same seed
doors, calm   HTTP to the services; when everything that was done has had its effect
player        plays the plan, day by day
screen, facts, ending, run   what is shown, and the order of it all
"""
