"""The server: voices over HTTP as OpenAI's clients ask for speech, and the page."""
