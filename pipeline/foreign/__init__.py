"""Results that other programs made: CaImAn, Mesmerize, Suite2p, ImageJ. Each module turns one kind into a `Found`."""
