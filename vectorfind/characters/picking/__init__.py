"""From the cases of a run to characters: ranked, shown, kept."""
