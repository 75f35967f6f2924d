"""MobileStyleGAN: a StyleGAN2 distilled into light layers, for processors without a GPU."""
