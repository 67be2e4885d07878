"""For shoppers: the shop's page and an HTTP API, a client of the gateway like any other."""
