"""paramiko's client with its own server: commands and files, over SSH."""
import io
import os
import socket
import tempfile
import threading

import paramiko
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

KEY, USER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()


class Files(paramiko.SFTPServerInterface):
    def list_folder(self, path):
        return [paramiko.SFTPAttributes.from_stat(os.stat(os.path.join(FOLDER, name)), name) for name in os.listdir(FOLDER)]

    def stat(self, path):
        return paramiko.SFTPAttributes.from_stat(os.stat(FOLDER + path))

    def open(self, path, flags, attributes):
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = handle.writefile = open(FOLDER + path, "w+b" if flags & os.O_CREAT else "rb")
        return handle


class Server(paramiko.ServerInterface):
    def check_auth_publickey(self, username, key):
        return AUTH_SUCCESSFUL if key == USER else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=self.run, args=(channel, command)).start()
        return True

    def run(self, channel, command):
        asked = b"".join(iter(lambda: channel.recv(1000), b""))
        channel.sendall(command.upper() + asked)
        channel.sendall_stderr(b"no complaints")
        channel.send_exit_status(len(command))
        channel.close()


def serve(listener):
    sock, _ = listener.accept()
    transport = paramiko.Transport(sock)
    transport.add_server_key(KEY)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    transport.start_server(server=Server())
    transport.join(60)


with tempfile.TemporaryDirectory() as FOLDER, socket.create_server(("127.0.0.1", 0)) as listener:
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    with paramiko.SSHClient() as client:
        client.get_host_keys().add(f"[127.0.0.1]:{listener.getsockname()[1]}", KEY.get_name(), KEY)
        client.connect("127.0.0.1", listener.getsockname()[1], "somebody", pkey=USER, timeout=20, look_for_keys=False, allow_agent=False)
        for command in ("hello", "x" * 50):
            asked, output, complaints = client.exec_command(command, timeout=20)
            asked.write("word " * 20_000)
            asked.channel.shutdown_write()
            assert output.read().decode() == command.upper() + "word " * 20_000
            assert (complaints.read(), output.channel.recv_exit_status()) == (b"no complaints", len(command))
        with client.open_sftp() as files:
            data = os.urandom(2**20)
            files.putfo(io.BytesIO(data), "/file")
            copy = io.BytesIO()
            files.getfo("/file", copy)
            assert copy.getvalue() == data and files.listdir() == ["file"]
print(f"paramiko {paramiko.__version__}")
