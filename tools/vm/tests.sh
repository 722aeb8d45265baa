# What `make test-families` runs in the virtual machine. Each part runs, whatever became of the one before.
failed=0
part() {
    echo "== $1"
    shift
    began=$(date +%s)
    "$@" || failed=1
    echo "== that took $(($(date +%s) - began)) s"
}
cells_that_need=$(grep -l '"needs-' nbs/*.ipynb)
tests_of_families=$(ls tests/test_famil*.py)
tests_that_need=$(grep -l 'mark\.needs(' tests/test_*.py | grep -v 'test_famil\|test_needs')
pytest="python -m pytest -p no:cacheprovider --no-header -rs"
part "pages with a cell that needs something, and the tests of families" \
    $pytest $cells_that_need $tests_of_families -m "not hypothesis" --junitxml=/run/out/report.xml
part "the examples, and whatever else needs something" \
    $pytest nbs/30_examples.ipynb tests/test_example_programs.py $tests_that_need \
    -k "ipynb or needs or sniff or can_programs or ping" --junitxml=/run/out/examples.xml
part "CPython's own test_socket, with the standard module and with litsock" \
    python tests/conformance/run.py test_socket
exit $failed
