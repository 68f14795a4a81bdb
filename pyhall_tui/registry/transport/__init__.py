"""How requests leave: straight over asyncio and httptools (`direct`), or through a proxy over httpcore (`proxied`)."""
