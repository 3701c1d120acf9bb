"""The demo: a quarter of one-door work, made up by a seed and played through the services' public doors.

    proportions   what the article says and what the generator assumes
    people        made-up applicants
    deal          which dossier is what, where and when
    hands, ways   the script of one dossier
    plan          the whole quarter: pure, the same for the same seed
"""
