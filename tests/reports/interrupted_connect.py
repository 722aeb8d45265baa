"""A blocking connect to a path whose queue is full, interrupted by a harmless signal: it connects in the end, or says that it did not."""
# better: the standard module reports success though nothing is connected

import os
import signal
import socket
import threading
import time

signal.signal(signal.SIGUSR1, lambda *_: None)
signal.alarm(50)
path = b"\0litsock full queue " + str(os.getpid()).encode()
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(0)
for kind in (None, 30):
    for method in ("connect", "connect_ex"):
        first = socket.socket(socket.AF_UNIX)
        first.connect(path)
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(kind)
        stop = threading.Event()

        def interrupt():
            for _ in range(3):
                time.sleep(0.1)
                os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.1)
            server.accept()[0].close()

        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            failed = getattr(sock, method)(path)
        except OSError as error:
            failed = error.errno or -1
        thread.join()
        if not failed:
            assert sock.getpeername() == path
            far, _ = server.accept()
            with far:
                sock.sendall(b"connected")
                assert far.recv(9) == b"connected"
        elif kind is None:
            raise AssertionError(f"{method}: errno {failed}")
        sock.close()
        first.close()
        server.setblocking(False)
        try:
            while True:
                server.accept()[0].close()
        except BlockingIOError:
            server.setblocking(True)
