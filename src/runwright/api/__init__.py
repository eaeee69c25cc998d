"""The wire: every request and response, declared once for the server and its clients."""
