"""Every flight that left New York in 2013, with the weather of the hour, from file to report."""
