"""What tables say: differences, findings, verdicts and headlines, as plain values."""
