"""What faces show: domain values and stored values in, text or plain values for JSON out. Pure, so nothing is read here."""
