"""requests and urllib3 with a web server: use_requests.py URL [AUTHORITY]."""
import sys
from concurrent.futures import ThreadPoolExecutor

import requests
import urllib3

url, authority = sys.argv[1], (sys.argv[2:] or [None])[0]
with requests.Session() as session:
    session.verify = authority or True
    ports = {session.get(f"{url}/hello").text for _ in range(5)}
    assert len(ports) == 1 and ports.pop().startswith("/hello for "), "one connection serves them all"
    assert session.post(url, json={"a": [1, 2]}).text == '}]2 ,1[ :"a"{'
    assert session.post(url, data=(b"piece %d " % number for number in range(1000))).content.startswith(b" 999 eceip")
    large = bytes(3_000_000) + b"end"
    assert session.post(url, data=large).content == large[::-1]
    answer = session.get(f"{url}/elsewhere")
    assert answer.text.startswith("/here for") and answer.history[0].status_code == 302
    assert len(session.get(f"{url}/pieces").text.splitlines()) == 100
    with session.get(f"{url}/big", stream=True) as answer:
        assert sum(map(len, answer.iter_content(10_000))) == 2**23
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: session.get(f"{url}/{number}").status_code, range(40))) == {200}
    for path, timeout, expected in (("/slow", 0.3, requests.ReadTimeout), ("/vanish", 10, requests.ConnectionError)):
        try: session.get(url + path, timeout=timeout)
        except expected: continue
        raise AssertionError(path)
try: requests.get(url.rpartition(":")[0] + ":1")
except requests.ConnectionError as error: assert "refused" in str(error)
if authority:
    try: requests.get(url)
    except requests.exceptions.SSLError as error: assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    try: requests.get(url.replace("localhost", "127.0.0.1"), verify=authority)
    except requests.exceptions.SSLError as error: assert "mismatch" in str(error)

with urllib3.PoolManager(ca_certs=authority, maxsize=2) as pool:
    answers = [pool.request("GET", f"{url}/{number}", retries=2, timeout=10) for number in range(10)]
    assert {answer.status for answer in answers} == {200}
    with pool.request("GET", f"{url}/big", preload_content=False) as answer:
        assert len(answer.read(1000)) == 1000 and len(answer.read()) == 2**23 - 1000
print(f"requests {requests.__version__}, urllib3 {urllib3.__version__}")
