"""The product and what one would write instead: one file each, run as a process by `bench.contender`."""
