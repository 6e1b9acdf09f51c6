"""Time of rows: dates, time stamps, clocks of devices, packets, gaps, and resampling to even times."""
