"""MobileStyleGAN: its files, and the constants of OpenVINO's IR that they may hold."""
