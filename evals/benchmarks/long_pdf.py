"""What a PDF of very many pages costs to read, in time and in memory of the process that reads it.

python evals/benchmarks/long_pdf.py 10000
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from citewise.documents import read_file
from file_samples import long_pdf  # type: ignore[import-not-found, unused-ignore]


def main(pages: int) -> None:
    """Print one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.pdf"
        path.write_bytes(long_pdf(pages))
        began = time.perf_counter()
        reading = read_file(path)
        seconds = time.perf_counter() - began
        size = path.stat().st_size
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{pages:,} pages, {size / 1e6:.1f} MB: {seconds:.1f} s, "
        f"{used.ru_utime + used.ru_stime:.1f} s of it computing, "
        f"{used.ru_maxrss / 1024:.0f} MiB at most; "
        f"{sum(len(document.pages) for document in reading.documents):,} pages read; "
        f"left out: {[skipped.reason for skipped in reading.skipped] or 'nothing'}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
