"""For shoppers: the shop's page, an HTTP API and a LINE bot; a client of the gateway like any other."""
