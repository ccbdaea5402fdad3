"""What Inscopix's IDEAS shows of a CaImAn run, for any sample: cell sets, initialisation images and neural events."""
