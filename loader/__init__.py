"""HTTP and dropped files in, raw JSON out; this room knows no table but raw.*."""
