"""What an account asks of all stacks."""
