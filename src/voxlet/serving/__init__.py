"""The server: voices over HTTP through OpenAI's speech API, and the web page."""
