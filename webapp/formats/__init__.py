"""How dates are written where no template says it: one way for all, the admin included."""
