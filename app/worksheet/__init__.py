"""A step on paper: what a person with a pencil needs to do it again, as frozen values."""
