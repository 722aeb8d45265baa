"Seeing what happens: system calls, addresses, options, sockets."
