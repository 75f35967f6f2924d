"""The methods of finding directions."""
