"""`ssl` and `_ssl` are taken out of sys.modules, as test suites do; a context that was made earlier works with sockets made later."""
# needs: package:trustme
# ways: run, cffi

import socket
import ssl
import sys
import tempfile
import threading

import trustme

folder = tempfile.TemporaryDirectory()
SERVER, AUTHORITY = folder.name + "/server.pem", folder.name + "/authority.pem"
authority = trustme.CA()
authority.cert_pem.write_to_path(AUTHORITY)
authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(SERVER)


def contexts(ssl):
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=AUTHORITY)
    serving.load_cert_chain(SERVER)
    return serving, asking


def talk(serving, asking):
    server = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(server.getsockname(), timeout=30)
    far, _ = server.accept()
    server.close()

    def serve():
        with serving.wrap_socket(far, server_side=True) as tls:
            tls.sendall(tls.recv(100).upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with asking.wrap_socket(near, server_hostname="localhost") as tls:
        tls.sendall(b"hello")
        found = tls.recv(100)
    thread.join(30)
    return found


first = contexts(ssl)
print(talk(*first))
for names in (["ssl"], ["ssl", "_ssl"], ["_ssl"]):
    taken = {name: sys.modules.pop(name) for name in names}
    import ssl as again

    second = contexts(again)
    print(names, talk(*first), talk(*second), talk(first[0], second[1]), talk(second[0], first[1]))
    sys.modules.update(taken)
    print(talk(*first), talk(*second), talk(*contexts(ssl)))
