"""The pages: a control room in the browser, and the same picture as JSON."""
