"""Write the numbers of Linux for the wheel that runs in a browser: the text of litsock/kernel/linux_tables.py.

`setup.py` runs this in an environment where litsock is compiled, since the compiler alone knows the numbers.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from litsock import kernel  # noqa: E402
from litsock.kernel import pure_python  # noqa: E402

if __name__ == "__main__":
    print(pure_python.written(kernel), end="")
