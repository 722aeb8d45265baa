"What the socket object can do beyond the specification."
