"""The Zalo door: one Official Account, one owner of its tokens, one webhook. Personal things stay in intake."""
