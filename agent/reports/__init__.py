"""What faces show: domain and stored values in, text or plain values for JSON out. Pure: nothing is read here."""
