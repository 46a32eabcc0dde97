"""The page of a survey: gallery, worst photographs, spread over the road."""
