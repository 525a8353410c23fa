"""The CLI, against an API that answers with documents."""
