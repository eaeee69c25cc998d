"""Task runners: threads of this process, and other processes."""
