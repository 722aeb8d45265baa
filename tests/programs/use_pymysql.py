"""PyMySQL with a MariaDB server, over TCP, TLS and a Unix socket: use_pymysql.py PORT PATH AUTHORITY."""
import sys
from concurrent.futures import ThreadPoolExecutor

import pymysql

port, path, authority = sys.argv[1:]
who = dict(user="litsock", password="secret", database="litsock", autocommit=False)
ways = {
    "TCP": dict(ssl_disabled=True, host="127.0.0.1", port=int(port), connect_timeout=10, read_timeout=20, write_timeout=20),
    "TLS": dict(host="localhost", port=int(port), ssl={"ca": authority}),
    "Unix": dict(ssl_disabled=True, unix_socket=path),
}
for name, way in ways.items():
    with pymysql.connect(**who, **way) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert bool(cursor.fetchone()[1]) == (name == "TLS")
        cursor.execute("CREATE OR REPLACE TABLE t (n INT PRIMARY KEY, words TEXT, data LONGBLOB)")
        assert cursor.executemany("INSERT INTO t VALUES (%s, %s, %s)", [(n, f"žluť {n}", bytes([n % 256]) * n) for n in range(1000)]) == 1000
        connection.commit()
        large = bytes(range(256)) * 16384
        cursor.execute("UPDATE t SET data = %s WHERE n = 0", (large,))
        cursor.execute("SELECT data FROM t WHERE n = 0")
        assert cursor.fetchone() == (large,)
        connection.rollback()
        cursor.execute("SELECT SUM(LENGTH(data)), COUNT(*), MAX(words) FROM t")
        assert cursor.fetchone() == (499500, 1000, "žluť 999")
        try: cursor.execute("SELECT * FROM nowhere")
        except pymysql.ProgrammingError as error: assert error.args[0] == 1146


def count(number):
    with pymysql.connect(**who, **ways["TCP"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT words FROM t WHERE n = %s", (number,))
        return cursor.fetchone()[0]


with ThreadPoolExecutor(4) as pool: assert list(pool.map(count, range(12))) == [f"žluť {n}" for n in range(12)]
with pymysql.connect(**who, **ways["TCP"] | {"read_timeout": 1}) as connection, connection.cursor() as cursor:
    try: cursor.execute("SELECT SLEEP(5)")
    except pymysql.OperationalError as error: assert "timed out" in str(error)
    else: raise AssertionError("a timeout that did not come")
try: pymysql.connect(**who | {"password": "wrong"}, **ways["TCP"])
except pymysql.OperationalError as error: assert error.args[0] == 1045
print(f"PyMySQL {pymysql.__version__}")
