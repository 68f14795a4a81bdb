"""The ban list: its entries in order, looking a hash up in it, searching it. Pure, and bounded in memory."""
