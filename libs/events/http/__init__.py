"""HTTP that every service shares: the application, tokens and rights, problem documents, OpenAPI, types of answers."""
