"""Arrays of numbers in .npy, .npz and plain .csv files."""
