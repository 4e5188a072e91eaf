"""`python -m api`: serves the published copy."""

from api.server import main

if __name__ == "__main__":
    raise SystemExit(main())
