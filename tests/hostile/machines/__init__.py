"""Machines that bring folders into any state, step by step, and the rules that hold in each."""
