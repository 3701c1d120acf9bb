"""The Zalo simulator: the Official Account's API as far as onedoor uses it, and a memory of everything it was sent.

Real Zalo has no sandbox for these calls. This server stands in for it honestly: it answers 200 with an error number
where Zalo does, spends a refresh token at its first use, signs webhooks over their raw bytes, and hides nothing: a
message sent twice is there twice. What it has acknowledged survives its being killed.

    POST /v4/oa/access_token           a new pair of tokens for a refresh token (ZALO_OAUTH_URL)
    POST /v3.0/oa/message/cs           a text to a user (ZALO_API_URL)
    POST /simulator/say                a user says something: the signed webhook, repeated while it is not answered
    GET  /simulator/messages?since=    every send it got, in order, refused ones too
    POST /simulator/fail | hang | release | follow | unfollow | consent | expire

    journal     what must survive, one line each
    account     tokens
    messages    sends, their numbers, and the failures that were ordered
    webhook     what users say, signed
    server      the API; control: the routes below /simulator
"""
