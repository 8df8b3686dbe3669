"""The live service: HTTP routes and pages over one `Recommender` that follows its workspace."""
