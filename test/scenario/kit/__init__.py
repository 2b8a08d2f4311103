"""What a scenario is made of: a newel, the nodes behind it, the clients before it, one transcript."""
