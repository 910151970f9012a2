"""How a notebook becomes a live page. One module each; all answer to `ports.Frontend`."""
