"""What happens when: the steps of a day, the Prefect shell around them, and the `skyduck` command."""
