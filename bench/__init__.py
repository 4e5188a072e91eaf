"""Side-by-side measurements: what the product costs, beside what it is compared with. Nothing here is a test."""
