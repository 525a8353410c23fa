"""From what should run and what does, to containers: plan, order, health, and the loop over it."""
