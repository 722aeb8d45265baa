"""Pages that have another address now: where an old one was, a small page leads to the new one. It is an extension of Sphinx."""

from pathlib import Path

MOVED = {  # before: now
    "03_messages": "03_control_messages",
    "40a_tls": "41_tls",
    "41_trace": "50_tracing",
    "41a_timeline": "51_timeline",
    "41b_recording": "52_recording",
    "42_fast_udp": "60_fast_udp",
    "42_layouts": "53_decoding",
    "43_views": "54_drawing",
    "44_sockets": "55_listing",
    "45_command_line": "42_command_line",
    "45_states": "56_states",
    "50_performance": "61_performance",
    "57d_segments": "57d_packet_calls",
    "59_pictures": "59_svg",
    "90_native": "92_bindings",
    "91_hot": "91_fast_path",
    "92_kernel": "90_kernel",
    "92a_long_road": "93_cffi_calls",
    "93_pictures": "59_svg",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<meta name="robots" content="noindex">
<link rel="canonical" href="{now}.html">
<script>location.replace("{now}.html" + location.search + location.hash);</script>
<noscript><meta http-equiv="refresh" content="0; url={now}.html"></noscript>
</head>
<body><p>This page has moved: <a href="{now}.html">{now}</a>.</p></body>
</html>
"""


def write(app, failed):
    "Write the pages that lead to others. An address in use is never taken."
    if failed or app.builder.format != "html":
        return
    for before, now in MOVED.items():
        if before in app.env.found_docs or now not in app.env.found_docs:
            raise ValueError(f"{before} cannot lead to {now}: docs/moved.py")
        path, text = Path(app.outdir, f"{before}.html"), PAGE.format(now=now)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
