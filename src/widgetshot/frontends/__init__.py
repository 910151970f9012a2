"""Front ends make notebooks live pages. One module each; all answer to `ports.Frontend`."""
