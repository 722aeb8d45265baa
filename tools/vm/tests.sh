# What `make test-families` runs in the virtual machine: all that wants something of the kernel. The rest has been tested outside.
# Each part runs, whatever became of the one before.
failed=0
part() {
    echo "== $1"
    shift
    began=$(date +%s)
    "$@" || failed=1
    echo "== that took $(($(date +%s) - began)) s"
}
pages=$(grep -l '"needs-' nbs/*.ipynb | xargs grep -L '"needs-windows"')
tests=$(grep -l 'mark\.needs(' tests/test_*.py | grep -v 'test_needs\|test_windows')
pytest="python -m pytest --nbval-kernel-startup-timeout=600 --nbval-cell-timeout=600 -p no:cacheprovider --no-header -rs"
part "pages with a cell that needs something, and tests that do" \
    $pytest $pages $tests -k "(ipynb or needs) and not sanitisers" --junitxml=/run/out/report.xml
part "the examples: their first page, and the programs that capture, speak CAN or ping" \
    $pytest nbs/30_examples.ipynb tests/test_example_programs.py -k "ipynb or sniff or can_programs or ping" --junitxml=/run/out/examples.xml
part "CPython's own test_socket, with the standard module and with litsock" \
    python tests/conformance/run.py test_socket
exit $failed
