"""Whether inputs, forecasts and errors still are what they were when the models learnt."""
