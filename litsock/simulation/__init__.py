"A network of your own: hosts, links and faults, in virtual time."
