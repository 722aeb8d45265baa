"""A web server, with TLS where a certificate is named: web_server.py [CERTIFICATE]. Prints its port; ends when its input does."""
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BIG = bytes(range(256)) * 32768


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/big": self.answer(BIG)
        elif self.path == "/elsewhere": self.answer(b"", 302, Location="/here")
        elif self.path == "/slow": time.sleep(1.5); self.answer(b"at last")
        elif self.path == "/pieces":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(100):
                piece = b"piece %d\n" % number
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/vanish": self.close_connection = True
        else: self.answer(f"{self.path} for {self.client_address[1]}".encode())

    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else: body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body[::-1])

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, address):
        if len(sys.argv) > 1:
            request.settimeout(20)
            try: request = CONTEXT.wrap_socket(request, server_side=True)
            except OSError: return            # a client that does not trust us
        super().finish_request(request, address)
        if isinstance(request, ssl.SSLSocket): request.close()

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], OSError): super().handle_error(request, address)   # else nobody listens any more


if len(sys.argv) > 1:
    CONTEXT = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CONTEXT.load_cert_chain(sys.argv[1])
with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()
