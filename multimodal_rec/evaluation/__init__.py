"""How good the recommendations are: splits, measures, peers, intervals, ablations, and a report of all of them."""
